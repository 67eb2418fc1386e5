// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "referent/core/error.h"
#include "support/tiny_run.h"

namespace referent::engine {
namespace {

namespace fs = std::filesystem;

TEST(RunFolderTest, AnExistingOneIsRefusedUnlessAskedFor) {
  const testing::TemporaryFolder temporary;
  const Path path = temporary.path() / "run";
  RunFolder(path, Existing::kRefuse).write_config("{}\n");
  write_file(path / "notes.txt", "mine");
  EXPECT_THROW(RunFolder(path, Existing::kRefuse), ConfigError);
  RunFolder(path, Existing::kResume);
  EXPECT_TRUE(fs::exists(path / "config.json"));
  RunFolder(path, Existing::kOverwrite);
  EXPECT_FALSE(fs::exists(path / "config.json"));
  EXPECT_TRUE(fs::exists(path / "notes.txt"));
  EXPECT_THROW(RunFolder(path / "notes.txt", Existing::kResume), ConfigError);
}

TEST(RunFolderTest, KeepsTheLastTwoCheckpointsAndTheBest) {
  const testing::TemporaryFolder temporary;
  const RunFolder folder(temporary.path() / "run", Existing::kRefuse);
  for (const std::int64_t step : {5, 10, 15, 20}) {
    write_file(folder.checkpoint(step), "weights");
    folder.publish(step, 5, {});
  }
  EXPECT_THAT(folder.checkpoint_steps(), ::testing::ElementsAre(5, 15, 20));
  EXPECT_EQ(fs::canonical(folder.path() / "last"), fs::canonical(folder.checkpoint(20)));
  EXPECT_EQ(fs::canonical(folder.path() / "best"), fs::canonical(folder.checkpoint(5)));
  write_file(folder.checkpoint(25), "weights");
  folder.publish(25, 25, {});
  EXPECT_THAT(folder.checkpoint_steps(), ::testing::ElementsAre(20, 25));
}

TEST(RunFolderTest, DiscardsWhatIsAfterAStepAndUnfinishedFiles) {
  const testing::TemporaryFolder temporary;
  const RunFolder folder(temporary.path() / "run", Existing::kRefuse);
  for (const std::int64_t step : {5, 10}) write_file(folder.checkpoint(step), "weights");
  const Path torn = folder.path() / "checkpoints" / "step-00000015.safetensors.12-0.tmp";
  write_file(torn, "weig");
  folder.discard_after(5);
  EXPECT_THAT(folder.checkpoint_steps(), ::testing::ElementsAre(5));
  EXPECT_FALSE(fs::exists(torn));
}

TEST(RunFolderTest, RemembersEveryStart) {
  const testing::TemporaryFolder temporary;
  const RunFolder folder(temporary.path() / "run", Existing::kRefuse);
  folder.add_start({"referent", "train", "a.json"}, "cpu", std::nullopt);
  folder.add_start({"referent", "train", "a.json", "--resume"}, "cpu", 12);
  const auto run = nlohmann::json::parse(read_text_file(folder.path() / "run.json"));
  ASSERT_EQ(run["starts"].size(), 2U);
  EXPECT_EQ(run["starts"][0]["command_line"][2], "a.json");
  EXPECT_FALSE(run["starts"][0].contains("resumed_step"));
  EXPECT_EQ(run["starts"][1]["resumed_step"], 12);
  EXPECT_TRUE(run["starts"][1]["versions"].contains("torch"));
}

}  // namespace
}  // namespace referent::engine
