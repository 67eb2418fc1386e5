// SPDX-License-Identifier: Apache-2.0
// Full disks and folders that nobody may write to: status 6, and nothing half-written.
#include <fstream>

#include "e2e/program.h"
#include "support/tmpfs.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kExpression = "the red circle";
constexpr const char* kFull = "No space left on device";
constexpr const char* kReadOnly = "Read-only file system";

class FileSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.why_not().empty()) GTEST_SKIP() << disk_.why_not();
  }

  Path on_disk(const std::string& name) const { return folder_.path() / name; }

  /// Leaves no free page.
  void fill() const {
    std::ofstream filler(on_disk("filler"), std::ios::binary);
    const std::string block(4096, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
  Tmpfs disk_{folder_.path(), "1m"};  // less than a checkpoint of the tiny model
};

TEST_F(FileSystemTest, AFullDiskLeavesNoFile) {
  fill();
  const Path out = on_disk("out.png");
  EXPECT_THAT(referent({"ground", tiny_.checkpoint(), tiny_.picture(), kExpression, "--out", out}),
              Fails(6, {out, kFull}));
  const Path exported = on_disk("model.safetensors");
  EXPECT_THAT(referent({"export", tiny_.checkpoint(), "--out", exported}),
              Fails(6, {exported, kFull}));
  const Path predictions = on_disk("predictions.jsonl");
  EXPECT_THAT(referent({"eval", tiny_.checkpoint(), "--save-predictions", predictions}),
              Fails(6, {predictions, kFull}));
  const Path scenes = on_disk("scenes");
  EXPECT_THAT(referent({"data", "synthesize", scenes, "--train", "8", "--val", "2"}),
              Fails(6, {scenes, kFull}));
  EXPECT_THAT(entries(folder_.path()), ElementsAre("filler"));
}

TEST_F(FileSystemTest, ARunWhoseCheckpointDoesNotFitEndsWithoutAPieceOfIt) {
  const Path run = on_disk("run");
  EXPECT_THAT(referent({"train", tiny_.config(), "--out", run, "--set", "train.max_steps=2"}),
              Fails(6, {run / "checkpoints", kFull}));
  EXPECT_THAT(entries(run / "checkpoints"), IsEmpty());
  EXPECT_FALSE(fs::exists(fs::symlink_status(run / "last")));
  EXPECT_THAT(referent({"config", "check", run / "config.json"}), ExitsWith(0));
}

TEST_F(FileSystemTest, ARunOnAFullDiskIsToldAtOnce) {
  fill();
  const ProcessResult result = referent({"train", tiny_.config(), "--out", on_disk("run")});
  EXPECT_THAT(result, Fails(6, {on_disk("run"), kFull}));
}

TEST_F(FileSystemTest, AFolderThatNobodyMayWriteToIsToldWithItsName) {
  ASSERT_TRUE(disk_.make_read_only());
  const Path out = on_disk("out.png");
  EXPECT_THAT(referent({"ground", tiny_.checkpoint(), tiny_.picture(), kExpression, "--out", out}),
              Fails(6, {out, kReadOnly}));
  EXPECT_THAT(referent({"export", tiny_.checkpoint(), "--out", on_disk("m.safetensors")}),
              Fails(6, {on_disk("m.safetensors"), kReadOnly}));
  EXPECT_THAT(referent({"train", tiny_.config(), "--out", on_disk("run")}),
              Fails(6, {on_disk("run"), kReadOnly}));
  EXPECT_THAT(referent({"data", "synthesize", on_disk("scenes")}),
              Fails(6, {on_disk("scenes"), kReadOnly}));
}

TEST(OutputTest, AFolderThatIsNotThereIsToldWithTheFile) {
  const TinyRun& tiny = tiny_run();
  const TemporaryFolder folder;
  const Path out = folder.path() / "absent" / "out.png";
  EXPECT_THAT(referent({"ground", tiny.checkpoint(), tiny.picture(), kExpression, "--out", out}),
              Fails(6, {out, "No such file or directory"}));
  EXPECT_THAT(entries(folder.path()), IsEmpty());
}

}  // namespace
}  // namespace referent::testing
