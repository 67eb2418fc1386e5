// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/state_dict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/fixtures.h"
#include "referent/checkpoint/checkpoint.h"
#include "referent/core/error.h"
#include "referent/formats/safetensors.h"

namespace referent::checkpoint {
namespace {

using ::testing::HasSubstr;

std::string refusal(const Path& path) {
  try {
    read_state_dict(path);
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(StateDictTest, IsTheSameFromEveryContainer) {
  const auto expected =
      formats::read_safetensors(testing::fixture("state_expected.safetensors")).tensors;
  const std::pair<const char*, const char*> files[] = {
      {"state_zip.pth", "torch zip"},
      {"state_legacy.pth", "torch legacy"},
      {"bare_parallel.pth", "torch zip"},
      {"state_expected.safetensors", "safetensors"}};
  for (const auto& [file, container] : files) {
    const StateDict state = read_state_dict(testing::fixture(file));
    EXPECT_EQ(state.container, container);
    ASSERT_EQ(state.tensors.size(), expected.size()) << file;
    for (const auto& [name, tensor] : expected) {
      const auto& seen = state.tensors.at(name);
      EXPECT_EQ(describe(seen), describe(tensor)) << file << ": " << name;
      EXPECT_TRUE(std::equal(seen.bytes.begin(), seen.bytes.end(), tensor.bytes.begin(),
                             tensor.bytes.end()))
          << file << ": " << name;
    }
  }
}

TEST(StateDictTest, KeepsWhatATrainingCheckpointSays) {
  const StateDict state = read_state_dict(testing::fixture("state_zip.pth"));
  EXPECT_EQ(state.epoch, 7);
  EXPECT_EQ(state.val_accu, 0.8125);
  const StateDict file = read_state_dict(testing::fixture("state_expected.safetensors"));
  EXPECT_EQ(file.epoch, std::nullopt);
  EXPECT_EQ(file.metadata.at("format"), "pt");
}

TEST(StateDictTest, ContentDecidesNotTheName) {
  const testing::TemporaryFolder folder;
  const Path path =
      folder.file("weights.pth", read_text_file(testing::fixture("state_expected.safetensors")));
  EXPECT_EQ(read_state_dict(path).container, "safetensors");
}

TEST(StateDictTest, ChecksTheHashesOfANativeCheckpoint) {
  const testing::TemporaryFolder folder;
  const Path path = folder.path() / "a.safetensors";
  Checkpoint checkpoint;
  checkpoint.tensors =
      formats::read_safetensors(testing::fixture("state_expected.safetensors")).tensors;
  write_checkpoint(path, checkpoint);
  EXPECT_EQ(read_state_dict(path).container, "native checkpoint");
  EXPECT_EQ(read_state_dict(path).tensors.size(), checkpoint.tensors.size());
  std::string content = read_text_file(path);
  content.back() = static_cast<char>(content.back() ^ 1);
  EXPECT_THAT(refusal(folder.file("b.safetensors", content)), HasSubstr("corrupt"));
}

TEST(StateDictTest, RefusesFilesWithoutTensors) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(refusal(testing::fixture("values_protocol2.p")), HasSubstr("accepted"));
  EXPECT_THAT(refusal(testing::fixture("index_long.pth")), HasSubstr("found a list of 2"));
  EXPECT_THAT(refusal(folder.file("a.pth", "(dS'model'\n(da.")), HasSubstr("a.pth"));
  EXPECT_THAT(refusal(folder.file("a.pth", "(dp0\nS'a'\nI1\ns.")), HasSubstr("holds no tensors"));
  EXPECT_THAT(refusal(folder.file("a.pth", "(dp0\nS'model'\n(imodels\nNet\ns.")),
              HasSubstr("a whole pickled module"));
  EXPECT_THAT(refusal(folder.path() / "absent.pth"), HasSubstr("absent.pth"));
  EXPECT_THAT(refusal(folder.file("a.pth", "cos\nsystem\n(S'x'\ntR.")), HasSubstr("os.system"));
}

}  // namespace
}  // namespace referent::checkpoint
