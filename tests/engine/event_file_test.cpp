// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "referent/engine/recorder.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace referent::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

/// The scalars of a folder as TensorBoard's own reader gives them: [tag, step, value], in order.
constexpr const char* kReader = R"(
import json, sys
from tensorboard.backend.event_processing import event_file_loader
scalars = []
for event in event_file_loader.LegacyEventFileLoader(sys.argv[1]).Load():
    for value in event.summary.value:
        scalars.append([value.tag, event.step, value.simple_value])
print(json.dumps(scalars))
)";

class EventFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (python({"-c", "import tensorboard"}).status != 0) {
      GTEST_SKIP() << "the Python package tensorboard is not there: scripts/setup.sh --tests";
    }
  }

  Path file() const { return folder_.path() / "tensorboard" / "events.out.tfevents.referent"; }

  static testing::ProcessResult python(std::vector<std::string> words) {
    words.insert(words.begin(), "python3");
    return testing::Process(
               "/usr/bin/env", words,
               {.environment = {{"PYTHONPATH", REFERENT_SOURCE_DIR "/.deps/tensorboard"}}})
        .wait();
  }

  json read() const {
    const testing::ProcessResult result = python({"-W", "ignore", "-c", kReader, file()});
    EXPECT_EQ(result.status, 0) << result.err;
    return json::parse(result.out);
  }

  const testing::TemporaryFolder folder_;
  const Recorder recorder_{folder_.path()};
};

TEST_F(EventFileTest, TensorBoardReadsWhatIsRecorded) {
  recorder_.record({"train", 10, 1, "", {{"loss", 0.5}, {"learning_rate", 0.25}}});
  recorder_.record({"eval", 300, 2, "val", {{"prec@0.5", 0.75}}});
  EXPECT_THAT(read(),
              ElementsAre(json{"train/loss", 10, 0.5}, json{"train/learning_rate", 10, 0.25},
                          json{"eval/val/prec@0.5", 300, 0.75}));
}

TEST_F(EventFileTest, ALongerSeriesReadsAsJsonLinesDo) {
  for (int step = 1; step <= 300; ++step) {
    recorder_.record({"train", step * 7, 1, "", {{"loss", 1.0 / step}}});
  }
  const json scalars = read();
  ASSERT_EQ(scalars.size(), 300U);
  for (int step = 1; step <= 300; ++step) {
    EXPECT_EQ(scalars[static_cast<std::size_t>(step) - 1][1], step * 7);
    EXPECT_FLOAT_EQ(scalars[static_cast<std::size_t>(step) - 1][2].get<float>(),
                    static_cast<float>(1.0 / step));
  }
}

TEST_F(EventFileTest, CutAtAnyByteTheWholeRecordsAreRead) {
  recorder_.record({"train", 1, 1, "", {{"loss", 0.5}}});
  recorder_.record({"eval", 1, 1, "val", {{"prec@0.5", 0.25}}});
  const json two = read();
  const std::string whole = read_text_file(file());
  recorder_.record({"train", 2, 1, "", {{"loss", 0.25}}});
  const std::string longer = read_text_file(file());
  ASSERT_TRUE(longer.starts_with(whole));
  for (std::size_t size = whole.size(); size < longer.size(); size += 5) {
    write_file(file(), longer.substr(0, size));
    recorder_.rewind(2, 2);
    EXPECT_EQ(read_text_file(file()), whole) << "cut at " << size;
  }
  // TensorBoard itself passes over the torn end.
  write_file(file(), longer.substr(0, longer.size() - 3));
  EXPECT_EQ(read(), two);
  std::printf("event file cut at %zu places of its last record: the records before it stay\n",
              (longer.size() - whole.size() + 4) / 5);
}

TEST_F(EventFileTest, RewindDropsWhatComesLater) {
  recorder_.record({"train", 4, 1, "", {{"loss", 0.5}}});
  recorder_.record({"eval", 4, 1, "val", {{"prec@0.5", 0.25}}});
  recorder_.record({"train", 6, 1, "", {{"loss", 0.25}}});
  recorder_.rewind(4, 0);
  EXPECT_THAT(read(), ElementsAre(json{"train/loss", 4, 0.5}));
  recorder_.record({"train", 5, 1, "", {{"loss", 0.125}}});
  EXPECT_THAT(read(), ElementsAre(json{"train/loss", 4, 0.5}, json{"train/loss", 5, 0.125}));
}

}  // namespace
}  // namespace referent::engine
