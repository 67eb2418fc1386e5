// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "formats/fixtures.h"
#include "referent/core/error.h"
#include "referent/core/hash.h"
#include "referent/formats/safetensors.h"

namespace referent::checkpoint {
namespace {

using ::testing::HasSubstr;

Checkpoint sample() {
  const std::array<float, 6> weight{1, -2, 3, -4, 5, 0.5};
  const std::array<std::uint8_t, 3> flags{1, 0, 1};
  Checkpoint checkpoint;
  checkpoint.tensors = {
      {"decoder.visu_proj.weight",
       formats::make_tensor<float>(formats::DType::kFloat32, {2, 3}, weight)},
      {"ema.decoder.visu_proj.weight",
       formats::make_tensor<float>(formats::DType::kFloat32, {2, 3}, weight)},
      {"empty", formats::make_tensor<float>(formats::DType::kFloat32, {0}, {})},
      {"flags", formats::make_tensor<std::uint8_t>(formats::DType::kUInt8, {3}, flags)}};
  checkpoint.config = R"({"name": "tiny", "model": {"type": "grounder"}})";
  checkpoint.vocabulary = "[PAD]\n\"header_hash\":\"0123456789abcdef\"\n\xc3\xa9\n";
  checkpoint.versions = R"({"referent": "0.1.0"})";
  checkpoint.git = "abc123";
  checkpoint.metrics = R"({"prec@0.5": 0.75})";
  checkpoint.training = R"({"step": 10})";
  return checkpoint;
}

std::string refusal(const Path& path) {
  try {
    read_checkpoint(path);
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CheckpointTest, ReadsBackAllThatWasWritten) {
  const testing::TemporaryFolder folder;
  const Path path = folder.path() / "a.safetensors";
  const Checkpoint written = sample();
  write_checkpoint(path, written);
  EXPECT_TRUE(is_checkpoint(path));
  for (const Verify verify : {Verify::kHeader, Verify::kAll}) {
    const Checkpoint read = read_checkpoint(path, verify);
    EXPECT_EQ(read.config, written.config);
    EXPECT_EQ(read.vocabulary, written.vocabulary);
    EXPECT_EQ(read.versions, written.versions);
    EXPECT_EQ(read.git, written.git);
    EXPECT_EQ(read.metrics, written.metrics);
    EXPECT_EQ(read.training, written.training);
    ASSERT_EQ(read.tensors.size(), written.tensors.size());
    for (const auto& [name, tensor] : written.tensors) {
      EXPECT_EQ(describe(read.tensors.at(name)), describe(tensor)) << name;
      EXPECT_EQ(xxh3_64(read.tensors.at(name).bytes), xxh3_64(tensor.bytes)) << name;
    }
  }
}

TEST(CheckpointTest, SameContentGivesTheSameBytes) {
  const testing::TemporaryFolder folder;
  write_checkpoint(folder.path() / "a", sample());
  write_checkpoint(folder.path() / "b", sample());
  EXPECT_EQ(read_text_file(folder.path() / "a"), read_text_file(folder.path() / "b"));
}

TEST(CheckpointTest, AbsentTextsAreEmpty) {
  const testing::TemporaryFolder folder;
  const Path path = folder.path() / "a.safetensors";
  Checkpoint exported = sample();
  exported.training.clear();
  write_checkpoint(path, exported);
  EXPECT_EQ(read_checkpoint(path).training, "");
  EXPECT_EQ(formats::read_safetensors(path).metadata.count("training"), 0U);
  write_checkpoint(path, {});
  EXPECT_TRUE(read_checkpoint(path).tensors.empty());
}

TEST(CheckpointTest, EveryTruncationIsReported) {
  const testing::TemporaryFolder folder;
  write_checkpoint(folder.path() / "a", sample());
  const std::string content = read_text_file(folder.path() / "a");
  constexpr std::size_t kCuts = 200;
  for (std::size_t i = 0; i < kCuts; ++i) {
    const std::size_t size = content.size() * i / kCuts;
    EXPECT_THAT(refusal(folder.file("cut", content.substr(0, size))), HasSubstr("cut"))
        << "cut to " << size;
  }
  EXPECT_NE(refusal(folder.file("long", content + '\0')), "accepted");
}

TEST(CheckpointTest, ASingleBitFlipIsReportedAndNeverPassesForAForeignFile) {
  const testing::TemporaryFolder folder;
  const Path path = folder.path() / "a";
  write_checkpoint(path, sample());
  const std::string content = read_text_file(path);
  constexpr std::size_t kStep = 7;  // prime to 8: meets every bit of a byte, all over the file
  std::size_t flips = 0;
  for (std::size_t bit = 0; bit < content.size() * 8; bit += kStep, ++flips) {
    const auto put = [&](char byte) {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(bit / 8)).put(byte);
    };
    put(static_cast<char>(content[bit / 8] ^ (1U << (bit % 8))));
    ASSERT_NE(refusal(path), "accepted") << "bit " << bit;
    // Where it does not even look like ours, no reader of released files takes it.
    if (!is_checkpoint(path)) {
      ASSERT_THROW(formats::read_safetensors(path), CheckpointError) << "bit " << bit;
    }
    put(content[bit / 8]);
  }
  EXPECT_GE(flips, 1000U);
  EXPECT_EQ(refusal(path), "accepted");
}

TEST(CheckpointTest, HeaderVerificationLeavesTensorsUnread) {
  const testing::TemporaryFolder folder;
  write_checkpoint(folder.path() / "a", sample());
  std::string content = read_text_file(folder.path() / "a");
  content.back() = static_cast<char>(content.back() ^ 1);
  const Path path = folder.file("damaged", content);
  EXPECT_NO_THROW(read_checkpoint(path, Verify::kHeader));
  EXPECT_THAT(refusal(path), HasSubstr("bytes of tensor flags do not match"));
}

/// A sound file whose metadata is `metadata` and the hash of its header.
Path sealed(const testing::TemporaryFolder& folder, std::map<std::string, std::string> metadata) {
  const std::string blank(16, '0');
  metadata["header_hash"] = blank;
  std::string header = formats::safetensors_header({}, metadata);
  const std::string hash = fmt::format("{:016x}", xxh3_64(testing::as_bytes(header)));
  header.replace(header.find(blank), blank.size(), hash);
  return folder.file("sealed", header);
}

TEST(CheckpointTest, RefusesForeignAndNewerFiles) {
  const testing::TemporaryFolder folder;
  const std::string format = "referent-checkpoint";
  const std::string hashes = "{}";
  EXPECT_EQ(refusal(sealed(
                folder, {{"format", format}, {"format_version", "1"}, {"tensor_hashes", hashes}})),
            "accepted");
  EXPECT_THAT(
      refusal(
          sealed(folder, {{"format", format}, {"format_version", "2"}, {"tensor_hashes", hashes}})),
      HasSubstr("Use a newer release"));
  EXPECT_THAT(
      refusal(
          sealed(folder, {{"format", format}, {"format_version", "x"}, {"tensor_hashes", hashes}})),
      HasSubstr("'x' is not a number"));
  EXPECT_THAT(refusal(sealed(folder, {{"format", "pt"}})), HasSubstr("referent import"));
  EXPECT_THAT(refusal(sealed(folder, {{"format", format}, {"format_version", "1"}})),
              HasSubstr("tensor_hashes"));
  EXPECT_THAT(refusal(sealed(folder, {{"format", format},
                                      {"format_version", "1"},
                                      {"tensor_hashes", R"({"a": "b"})"}})),
              HasSubstr("1 hashes for 0 tensors"));
  const Path foreign = testing::fixture("state_expected.safetensors");
  EXPECT_FALSE(is_checkpoint(foreign));
  EXPECT_FALSE(is_checkpoint(testing::fixture("state_zip.pth")));
  EXPECT_THAT(refusal(foreign), HasSubstr("not a native checkpoint"));
  EXPECT_THAT(refusal(folder.path() / "absent"), HasSubstr("absent"));
}

TEST(CheckpointTest, AFailedWriteLeavesTheOldFile) {
  const testing::TemporaryFolder folder;
  const Path path = folder.path() / "a";
  write_checkpoint(path, sample());
  const std::string before = read_text_file(path);
  Checkpoint broken = sample();
  broken.git = "\xff";
  EXPECT_THROW(write_checkpoint(path, broken), CheckpointError);
  EXPECT_EQ(read_text_file(path), before);
  EXPECT_THROW(write_checkpoint(folder.path() / "absent" / "a", sample()), FileError);
}

}  // namespace
}  // namespace referent::checkpoint
