// SPDX-License-Identifier: Apache-2.0
// Several processes, started as a cluster's tools start them.
#include <csignal>
#include <fstream>

#include "e2e/processes.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

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
  fs::remove_all(run("differing"));
  const auto options =
      Processes(2, [&](int rank) {
        return ProcessStart{train("differing", rank == 0 ? Words{} : Words{"--auto-accumulate"})};
      }).wait();
  EXPECT_THAT(options, Each(Fails(2, {"rank 1", "options", "--auto-accumulate"})));
}

/// Hosts whose copies of the data differ: the same path leads to another file in each process.
class DifferingDataTest : public ProcessesTest {
 protected:
  Path host(int rank) const { return folder_.path() / fmt::format("host-{}", rank); }

  /// The file's lines, changed by `change` on the second host.
  void copy(const std::string& name, const std::function<void(std::vector<Json>&)>& change) const {
    for (const int rank : {0, 1}) {
      fs::create_directories(host(rank));
      std::error_code exists;
      fs::create_directory_symlink(tiny_.scenes() / "images", host(rank) / "images", exists);
      std::vector<Json> examples = json_lines(tiny_.scenes() / name);
      if (rank == 1) change(examples);
      std::ofstream lines(host(rank) / name);
      for (const Json& example : examples) lines << example << '\n';
    }
  }

  /// The path that each process reads as its host's file.
  static Path here(const std::string& name) { return Path("/proc/self/cwd") / name; }

  /// Of three processes the second is on the second host.
  void expect_told(const Words& words, const Words& said) const {
    const auto start = [&](int rank) { return ProcessStart{words, {}, host(rank == 1 ? 1 : 0)}; };
    Processes processes(3, start);
    const double took = processes.wait_from_the_first();
    EXPECT_LE(took, 5);
    EXPECT_THAT(processes.wait(), Each(Fails(2, said)));
    fmt::print("rank 1 of 3 with other data: all gone after {:.2f} s\n", took);
  }
};

TEST_F(DifferingDataTest, ToTrainWithIsTold) {
  const Words words = train("run", {"--set", "data.train.0.path=" + here("train.jsonl").string()});
  copy("train.jsonl", [](std::vector<Json>& examples) { examples.pop_back(); });
  expect_told(words, {"rank 1", "training data", "40 expressions", "39 expressions"});
  fs::remove_all(run("run"));
  copy("train.jsonl", [](std::vector<Json>& examples) { examples[7]["expression"] = "another"; });
  expect_told(words, {"rank 1", "training data", "40 expressions"});
}

TEST_F(DifferingDataTest, ToEvaluateIsTold) {
  copy("val.jsonl", [](std::vector<Json>& examples) { examples.pop_back(); });
  expect_told({"eval", tiny_.checkpoint(), "--data", "jsonl:" + here("val.jsonl").string()},
              {"rank 1", "data set", "12 expressions", "11 expressions"});
}

TEST_F(ProcessesTest, TrainToTheSameBitsTwice) {
  for (const int count : {1, 2}) {
    const Outcome first = finish(fmt::format("first-{}", count), count);
    EXPECT_EQ(finish(fmt::format("second-{}", count), count), first);
    fmt::print("{} processes, the same seed twice: weights {}, metrics and events equal\n", count,
               first.weights);
  }
}

TEST_F(ProcessesTest, TrainIn16BitsWithoutAWarning) {
  // Filters of 1x1 have gradients of other strides than in 32 bits.
  const Words words = train("narrow", {"--set", "train.precision=bfloat16", "--set",
                                       "model.visual_encoder.backbone.depth=50"});
  for (const ProcessResult& result : Processes(2, words).wait()) {
    EXPECT_THAT(result, ExitsWith(0));
    EXPECT_THAT(result.err, Not(AnyOf(HasSubstr("Warning"), HasSubstr("strides"))));
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
