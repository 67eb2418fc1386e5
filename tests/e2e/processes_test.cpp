// SPDX-License-Identifier: Apache-2.0
// Several processes, started as a cluster's tools start them.
#include <csignal>
#include <fstream>

#include "e2e/processes.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::Each;

using ProcessesTest = StatefulTraining;

TEST_F(ProcessesTest, EvaluateToTheSameBits) {
  std::string expected, expected_lines;
  for (const int count : {1, 2, 3, 5}) {
    const Path lines = folder_.path() / "predictions.jsonl";
    const Words words{"eval",      tiny_.mask_checkpoint(), "--json", "--save-predictions", lines,
                      "--workers", count == 2 ? "2" : "0"};
    const auto results = Processes(count, words).wait();
    ASSERT_THAT(results, Each(ExitsWith(0)));
    Json json = document(results.front());
    for (Json& result : json["results"]) result.erase("seconds");
    for (std::size_t rank = 1; rank < results.size(); ++rank) EXPECT_EQ(results[rank].out, "");
    if (count == 1) {
      expected = json.dump();
      expected_lines = read_text_file(lines);
      EXPECT_EQ(json["results"][0]["samples"], 12);
    }
    EXPECT_EQ(json.dump(), expected) << count << " processes";
    EXPECT_EQ(read_text_file(lines), expected_lines) << count << " processes";
  }
}

TEST_F(ProcessesTest, ThatDifferEndWithTheDifference) {
  const auto results =
      Processes(2, [&](int rank) {
        return ProcessStart{train("differing", {"--set", rank == 0 ? "seed=5" : "seed=6"})};
      }).wait();
  for (const ProcessResult& result : results) {
    EXPECT_THAT(result, Fails(2, {"rank 1", "configuration", "seed"}));
  }
}

TEST_F(ProcessesTest, EndWhenOneFails) {
  Processes processes(2, train("failing", {"--set", "train.epochs=200"}));
  ASSERT_TRUE(wait_until([&] { return !processes.running() || steps_so_far("failing") >= 4; }));
  // Rank 0 can no longer write.
  fs::remove_all(run("failing"));
  std::ofstream(run("failing")) << "not a folder";
  const auto results = processes.wait();
  EXPECT_THAT(results[0], Fails(6, {"failing"}));
  EXPECT_THAT(results[1], Fails(7, {"rank 0", "failing"}));
}

}  // namespace
}  // namespace referent::testing
