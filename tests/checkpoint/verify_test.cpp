// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "formats/fixtures.h"
#include "referent/checkpoint/checkpoint.h"

namespace referent::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class VerifyTest : public ::testing::Test {
 protected:
  Path write(const std::vector<float>& values) const {
    Checkpoint checkpoint;
    checkpoint.tensors.emplace(
        "box_head.weight", formats::make_tensor<float>(formats::DType::kFloat32,
                                                       {static_cast<int>(values.size())}, values));
    write_checkpoint(at("model.safetensors"), checkpoint);
    return at("model.safetensors");
  }

  Path at(const std::string& name) const { return folder_.path() / name; }

  testing::TemporaryFolder folder_;
};

TEST_F(VerifyTest, SoundFilesOfEveryKind) {
  const Verification native = verify(write({1, 2, 3}));
  EXPECT_TRUE(native.sound());
  EXPECT_EQ(native.kind, "native checkpoint");
  EXPECT_EQ(native.tensors, 1U);
  EXPECT_TRUE(verify(testing::fixture("state_legacy.pth")).sound());
}

TEST_F(VerifyTest, AFlippedBitAndACutAreFaults) {
  const std::string sound = read_text_file(write({1, 2, 3}));
  std::string flipped = sound;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  write_file(at("flipped"), flipped);
  write_file(at("cut"), std::string_view(sound).substr(0, sound.size() - 1));
  write_file(at("picture"), "\x89PNG\r\n");
  for (const char* name : {"flipped", "cut", "picture"}) {
    const Verification found = verify(at(name));
    EXPECT_TRUE(found.readable) << name;
    ASSERT_EQ(found.faults.size(), 1U) << name;
    EXPECT_THAT(found.faults[0], HasSubstr(at(name).string()));
  }
}

TEST_F(VerifyTest, NumbersThatAreNoneAreFaults) {
  const Verification found = verify(write({1, NAN, INFINITY}));
  EXPECT_THAT(found.faults, ElementsAre("box_head.weight: 2 of 3 elements are not finite"));
  EXPECT_EQ(found.tensors, 1U);
}

TEST_F(VerifyTest, WhatCannotBeReadIsTold) {
  for (const Path& path : {at("absent"), folder_.path()}) {
    const Verification found = verify(path);
    EXPECT_FALSE(found.readable);
    EXPECT_FALSE(found.sound());
  }
}

TEST_F(VerifyTest, TextAndDocumentListEveryFile) {
  const std::vector<Verification> files{verify(write({1})), verify(at("absent"))};
  EXPECT_THAT(text(files), HasSubstr("model.safetensors: sound (native checkpoint, 1 tensors)"));
  EXPECT_THAT(text(files), HasSubstr("absent: NOT SOUND"));
  const auto document = nlohmann::json::parse(json(files));
  EXPECT_EQ(document["schema_version"], 1);
  EXPECT_EQ(document["files"][0]["sound"], true);
  EXPECT_EQ(document["files"][1]["sound"], false);
  EXPECT_TRUE(document["files"][1]["kind"].is_null());
  EXPECT_EQ(document["files"][1]["faults"].size(), 1U);
}

}  // namespace
}  // namespace referent::checkpoint
