// SPDX-License-Identifier: Apache-2.0
// Where memory does not suffice for a step: what is said, and what --auto-accumulate makes of it.
#include <fstream>

#include "e2e/processes.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

class MemoryTest : public StatefulTraining, public ::testing::WithParamInterface<int> {
 protected:
  static int count() { return GetParam(); }
  /// The process whose memory is limited.
  static int poor() { return count() - 1; }

  /// Two steps whose pictures, 16 for each process, need most of the memory. (With the tiny run's 8
  /// channels oneDNN's backward pass of strided 1x1 convolutions crashes on maps as large as
  /// these.)
  Words words(const std::string& name, int accumulation, const Words& more = {}) const {
    Words all{"train", tiny_.config(), "--out", run(name), "--json", "--workers", "1"};
    for (const std::string& value :
         {std::string("train.max_steps=2"), fmt::format("train.batch_size={}", 16 * count()),
          std::string("data.image.size=384"), std::string("train.eval_every_epochs=0"),
          std::string("model.visual_encoder.backbone.width=16"),
          fmt::format("train.accumulation={}", accumulation)}) {
      all.insert(all.end(), {"--set", value});
    }
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  /// The most address space that the process with little memory had in a run without a limit, in
  /// kilobytes.
  long most_of(const std::string& name, int accumulation) const {
    Processes processes(count(), words(name, accumulation));
    long most = 0;
    while (processes[poor()].running()) {
      std::ifstream status(fmt::format("/proc/{}/status", processes[poor()].id()));
      for (std::string word; status >> word;) {
        if (word == "VmPeak:") status >> most;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_THAT(processes.wait(), Each(ExitsWith(0)));
    return most;
  }

  static Processes limited(long kilobytes, const Words& arguments) {
    return {count(), [&](int rank) {
              return ProcessStart{arguments, {}, {}, rank == poor() ? kilobytes : 0};
            }};
  }
};

TEST_P(MemoryTest, IsSaidWithBatchSizeAndRemedyAndHalvedOnRequest) {
  const long whole = most_of("whole", 1);
  const long pieces = most_of("pieces", 16);
  ASSERT_GT(whole, pieces + 200'000) << "the batch is too small to be told from the program";
  const long limit = pieces + (whole - pieces) / 3;

  Processes without = limited(limit, words("refused", 1));
  EXPECT_LE(without.wait_from_the_first(), 5);
  const auto refused = without.wait();
  for (int rank = 0; rank < count(); ++rank) {
    const ProcessResult& result = refused[static_cast<std::size_t>(rank)];
    Words said{"out of memory in step 1",
               "16 pictures of 384 x 384 pixels",
               "float32",
               "/train/accumulation",
               "--auto-accumulate",
               "/train/batch_size",
               "/data/image/size"};
    if (rank != poor()) said.push_back(fmt::format("rank {} failed", poor()));
    EXPECT_THAT(result, Fails(rank == poor() ? 5 : 7, said));
  }

  const auto halved = limited(limit, words("halved", 1, {"--auto-accumulate"})).wait();
  ASSERT_THAT(halved, Each(ExitsWith(0)));
  const ProcessResult& first = halved.front();
  EXPECT_THAT(first.err, HasSubstr(fmt::format("the batch stays {}", 16 * count())));
  if (count() > 1) {
    EXPECT_THAT(first.err, HasSubstr(fmt::format("step 1 on rank {}", poor())));
  }
  int accumulation = 1;
  while (first.err.find(fmt::format("/train/accumulation is {} ", 2 * accumulation)) !=
         std::string::npos) {
    accumulation *= 2;
  }
  EXPECT_GE(accumulation, 2);
  const auto same = Processes(count(), words("same", accumulation)).wait();
  EXPECT_EQ(document(first)["weights"], document(same.front())["weights"]);
  EXPECT_EQ(read_text_file(run("halved") / "metrics.jsonl"),
            read_text_file(run("same") / "metrics.jsonl"));
  fmt::print(
      "{} processes, RLIMIT_AS of one {} MB (its whole batch needs {}, single pictures {}): status "
      "5 with batch, size and remedy; with --auto-accumulate {} pieces, weights {} as with as many "
      "from the start\n",
      count(), limit / 1024, whole / 1024, pieces / 1024, accumulation,
      document(first)["weights"].get<std::string>());
}

INSTANTIATE_TEST_SUITE_P(OnProcesses, MemoryTest, ::testing::Values(1, 2),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace referent::testing
