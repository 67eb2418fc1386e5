// SPDX-License-Identifier: Apache-2.0
// Where memory does not suffice for a step: what is said, and what --auto-accumulate makes of it.
#include <fstream>

#include "e2e/processes.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

using ::testing::HasSubstr;

class MemoryTest : public StatefulTraining {
 protected:
  /// Two steps whose pictures need most of the memory. (With the tiny run's 8 channels oneDNN's
  /// backward pass of strided 1x1 convolutions crashes on maps as large as these.)
  Words words(const std::string& name, int accumulation, const Words& more = {}) const {
    Words all{"train", tiny_.config(), "--out", run(name), "--json", "--workers", "1"};
    for (const std::string& value :
         {std::string("train.max_steps=2"), std::string("train.batch_size=16"),
          std::string("data.image.size=384"), std::string("train.eval_every_epochs=0"),
          std::string("model.visual_encoder.backbone.width=16"),
          fmt::format("train.accumulation={}", accumulation)}) {
      all.insert(all.end(), {"--set", value});
    }
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  /// The most address space that a run had, in kilobytes.
  long most_of(const std::string& name, int accumulation) const {
    Process process(program(), words(name, accumulation),
                    {.environment = {{"OMP_NUM_THREADS", "1"}}});
    long most = 0;
    while (process.running()) {
      std::ifstream status(fmt::format("/proc/{}/status", process.id()));
      for (std::string word; status >> word;) {
        if (word == "VmPeak:") status >> most;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_THAT(process.wait(), ExitsWith(0));
    return most;
  }

  ProcessResult limited(long kilobytes, const Words& arguments) const {
    Words all{"-c", fmt::format("ulimit -v {}; exec \"$@\"", kilobytes), "sh", program()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Process("/bin/sh", all, {.environment = {{"OMP_NUM_THREADS", "1"}}}).wait();
  }
};

TEST_F(MemoryTest, IsSaidWithBatchSizeAndRemedyAndHalvedOnRequest) {
  const long whole = most_of("whole", 1);
  const long pieces = most_of("pieces", 16);
  ASSERT_GT(whole, pieces + 200'000) << "the batch is too small to be told from the program";
  const long limit = pieces + (whole - pieces) / 3;

  const ProcessResult refused = limited(limit, words("refused", 1));
  EXPECT_THAT(refused, Fails(5, {"out of memory in step 1", "16 pictures of 384 x 384 pixels",
                                 "float32", "/train/accumulation", "--auto-accumulate",
                                 "/train/batch_size", "/data/image/size"}));

  const ProcessResult halved = limited(limit, words("halved", 1, {"--auto-accumulate"}));
  ASSERT_THAT(halved, ExitsWith(0));
  EXPECT_THAT(halved.err, HasSubstr("the batch stays 16"));
  int accumulation = 1;
  while (halved.err.find(fmt::format("/train/accumulation is {} ", 2 * accumulation)) !=
         std::string::npos) {
    accumulation *= 2;
  }
  EXPECT_GE(accumulation, 2);
  const ProcessResult same =
      Process(program(), words("same", accumulation), {.environment = {{"OMP_NUM_THREADS", "1"}}})
          .wait();
  EXPECT_EQ(document(halved)["weights"], document(same)["weights"]);
  EXPECT_EQ(read_text_file(run("halved") / "metrics.jsonl"),
            read_text_file(run("same") / "metrics.jsonl"));
  fmt::print(
      "RLIMIT_AS {} MB (the whole batch needs {}, single pictures {}): status 5 with batch, "
      "size and remedy; with --auto-accumulate {} pieces, weights {} as with as many from "
      "the start\n",
      limit / 1024, whole / 1024, pieces / 1024, accumulation,
      document(same)["weights"].get<std::string>());
}

}  // namespace
}  // namespace referent::testing
