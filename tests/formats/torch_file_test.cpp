// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "formats/fixtures.h"
#include "referent/core/error.h"
#include "referent/formats/safetensors.h"
#include "support/test_data.h"

namespace referent::formats {
namespace {

using namespace std::string_literals;
using pickle::Kind;
using pickle::Value;
using ::testing::HasSubstr;
using testing::little;

std::string refusal(const Path& path) {
  try {
    read_torch_file(path);
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

void expect_state(const Value& state, const std::string& prefix) {
  const TensorFile expected = read_safetensors(testing::fixture("state_expected.safetensors"));
  EXPECT_EQ(state.size(), expected.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) {
    const auto found = state.find(prefix + name);
    ASSERT_TRUE(found.has_value()) << name;
    const Tensor& seen = found->tensor();
    EXPECT_EQ(describe(seen), describe(tensor)) << name;
    EXPECT_TRUE(
        std::equal(seen.bytes.begin(), seen.bytes.end(), tensor.bytes.begin(), tensor.bytes.end()))
        << name;
  }
}

class TorchContainerTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TorchContainerTest, TensorsAreEqualToPythons) {
  const Value root = read_torch_file(testing::fixture(GetParam()));
  expect_state(*root.find("model"), "");
}

TEST_P(TorchContainerTest, TheRestOfACheckpointIsPlainOrInert) {
  const Value root = read_torch_file(testing::fixture(GetParam()));
  EXPECT_EQ(root.find("epoch")->as_int(), 7);
  EXPECT_EQ(root.find("val_accu")->as_double(), 0.8125);
  const Value args = *root.find("args");
  EXPECT_EQ(args.module() + "." + args.name(), "argparse.Namespace");
  EXPECT_EQ(args.find("betas")->at(1).as_double(), 0.999);
  EXPECT_EQ(args.find("names")->at(0).text(), "a");
  EXPECT_EQ(root.find("optimizer")->find("param_groups")->at(0).find("lr")->as_double(), 1e-4);
  const Value first = root.find("optimizer")->find("state")->items().at(0).second;
  EXPECT_EQ(describe(first.find("exp_avg")->tensor()), "float32 [2, 2]");
}

INSTANTIATE_TEST_SUITE_P(Containers, TorchContainerTest,
                         ::testing::Values("state_zip.pth", "state_legacy.pth"));

TEST(TorchFileTest, StoredContiguousTensorsShareTheMap) {
  const Value root = read_torch_file(testing::fixture("state_zip.pth"));
  const Value state = *root.find("model");
  const Tensor& whole = state.find("shared.whole")->tensor();
  const Tensor& part = state.find("shared.part")->tensor();
  EXPECT_EQ(part.bytes.data(), whole.bytes.data() + 5 * sizeof(float));
  EXPECT_EQ(part.owner, whole.owner);
}

TEST(TorchFileTest, ReadsABareStateDict) {
  expect_state(read_torch_file(testing::fixture("bare_parallel.pth")), "module.");
}

/// The kinds of file that users have: checkpoints with a Namespace, state dictionaries, index
/// lists, references; zip, legacy and plain streams of protocols 0 to 5.
TEST(TorchFileTest, EveryGenuineFileIsRead) {
  const std::vector<std::string> names{
      "state_zip.pth",      "state_legacy.pth",   "bare_parallel.pth",  "index_long.pth",
      "index_long_zip.pth", "index_short.pth",    "refs_protocol0.p",   "refs_protocol2.p",
      "refs_protocol4.p",   "values_protocol0.p", "values_protocol1.p", "values_protocol2.p",
      "values_protocol3.p", "values_protocol4.p", "values_protocol5.p"};
  const TensorFile expected = read_safetensors(testing::fixture("state_expected.safetensors"));
  int read = 0;
  std::size_t tensors = 0;
  std::size_t bytes = 0;
  for (const std::string& name : names) {
    const Value root = read_torch_file(testing::fixture(name));
    EXPECT_NE(root.kind(), Kind::kNone) << name;
    ++read;
    const bool bare = name.starts_with("bare");
    if (!bare && !name.starts_with("state")) continue;
    const Value state = bare ? root : *root.find("model");
    for (const auto& [key, tensor] : expected.tensors) {
      const Tensor& seen = state.find((bare ? "module." : "") + key)->tensor();
      ASSERT_TRUE(std::ranges::equal(seen.bytes, tensor.bytes)) << name << ": " << key;
      ++tensors;
      bytes += seen.bytes.size();
    }
  }
  std::printf("genuine files: %d of %zu read, %zu tensors (%zu bytes) equal to Python's\n", read,
              names.size(), tensors, bytes);
  RecordProperty("read", read);
}

TEST(TorchFileTest, RefusesWhatItCannotHold) {
  EXPECT_THAT(refusal(testing::fixture("complex.pth")), HasSubstr("ComplexFloatStorage"));
  EXPECT_THAT(refusal(testing::fixture("sparse.pth")), HasSubstr("_rebuild_sparse_tensor"));
  EXPECT_THAT(refusal(testing::fixture("script.pt")), HasSubstr("TorchScript"));
}

TEST(TorchFileTest, SaysWhatAForeignFileLooksLike) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(refusal(folder.file("a.pth", "version https://git-lfs.github.com/spec/v1\n")),
              HasSubstr("Git LFS"));
  EXPECT_THAT(refusal(folder.file("a.pth", "<!DOCTYPE html>")), HasSubstr("web page"));
  EXPECT_THAT(refusal(folder.file("a.pth", "")), HasSubstr("empty file"));
  EXPECT_THAT(refusal(folder.file("a.pth", std::string(257, '\0') + "ustar")), HasSubstr("tar"));
  EXPECT_THAT(refusal(folder.file("a.pth", testing::make_zip({{"a", "b"}}))),
              HasSubstr("data.pkl"));
  EXPECT_THAT(refusal(folder.path() / "absent.pth"), HasSubstr("absent.pth"));
  EXPECT_THAT(refusal(testing::fixture("state_expected.safetensors")), HasSubstr("safetensors"));
}

/// The pickle of one float tensor over storage "0" of `count` elements.
std::string tensor_pickle(std::uint64_t count, std::int32_t offset, const std::string& size,
                          const std::string& stride) {
  return "\x80\x02" + "ctorch._utils\n_rebuild_tensor_v2\n(("s +
         "U\x07storagectorch\nFloatStorage\nU\x01"s + "0U\x03" + "cpu\x8a\x08"s + little(count, 8) +
         "tQJ" + little(static_cast<std::uint32_t>(offset), 4) + size + stride + "\x89}tR.";
}

TEST(TorchFileTest, ChecksThatTensorsLieInTheirStorage) {
  const testing::TemporaryFolder folder;
  const std::string floats(16, '\0');
  const auto with = [&](const std::string& pickle) {
    return refusal(
        folder.file("a.pth", testing::make_zip({{"x/data.pkl", pickle}, {"x/data/0", floats}})));
  };
  const auto number = [](std::uint64_t value) { return "\x8a\x08"s + little(value, 8); };
  const std::string one = "K\x01\x85";
  EXPECT_EQ(with(tensor_pickle(4, 0, "K\x04\x85", one)), "accepted");
  EXPECT_EQ(with(tensor_pickle(4, 3, one, one)), "accepted");
  EXPECT_EQ(with(tensor_pickle(4, 4, "K\x00\x85"s, one)), "accepted");
  EXPECT_THAT(with(tensor_pickle(5, 0, "K\x04\x85", one)), HasSubstr("does not lie"));
  EXPECT_THAT(with(tensor_pickle(4, 1, "K\x04\x85", one)), HasSubstr("does not lie"));
  EXPECT_THAT(with(tensor_pickle(4, 0, "K\x03\x85", "K\x02\x85")), HasSubstr("does not lie"));
  EXPECT_THAT(with(tensor_pickle(4, -1, one, one)), HasSubstr("negative"));
  EXPECT_THAT(with(tensor_pickle(4, 0, "J\xff\xff\xff\xff\x85", one)), HasSubstr("negative"));
  EXPECT_THAT(with(tensor_pickle(4, 0, one, "J\xff\xff\xff\xff\x85")), HasSubstr("negative"));
  EXPECT_THAT(with(tensor_pickle(4, 0, one, "K\x01K\x01\x86")), HasSubstr("differ"));
  EXPECT_THAT(with(tensor_pickle(1ULL << 62U, 0, one, one)), HasSubstr("does not lie"));
  EXPECT_THAT(with(tensor_pickle(4, 0, number(1ULL << 62U) + "\x85", number(1ULL << 62U) + "\x85")),
              HasSubstr("does not lie"));
  // A stride of 0 repeats one element: small in the file, terabytes in memory.
  EXPECT_THAT(with(tensor_pickle(4, 0, number(1ULL << 40U) + "\x85", "K\x00\x85"s)),
              HasSubstr("far larger"));
  EXPECT_THAT(with(tensor_pickle(4, 0, "N", one)), HasSubstr("not a tuple"));
}

TEST(TorchFileTest, SwapsTheBytesOfBigEndianFiles) {
  const testing::TemporaryFolder folder;
  const std::string one("\x3f\x80\x00\x00", 4);
  const Path path = folder.file(
      "a.pth", testing::make_zip({{"x/data.pkl", tensor_pickle(1, 0, "K\x01\x85", "K\x01\x85")},
                                  {"x/byteorder", "big"},
                                  {"x/data/0", one}}));
  EXPECT_EQ(read_torch_file(path).tensor().values<float>(), (std::vector<float>{1.0F}));
}

TEST(TorchFileTest, EveryTruncationIsRefused) {
  for (const char* name : {"state_zip.pth", "state_legacy.pth", "index_long.pth"}) {
    const std::string content = read_text_file(testing::fixture(name));
    for (std::size_t size = 0; size < content.size(); size += 13) {
      const auto cut = testing::as_bytes(content).first(size);
      EXPECT_THROW(read_torch_file(cut, nullptr, "cut"), DataError) << name << " cut to " << size;
    }
  }
}

TEST(TorchFileTest, AnUnknownClassStaysInert) {
  const Path data = testing::test_data();
  if (data.empty()) GTEST_SKIP() << testing::kNoTestData;
  const Value corpus = read_torch_file(data / "index" / "unc" / "corpus.pth");
  EXPECT_EQ(corpus.describe(), "an object of utils.word_utils.Corpus");
  const Value dictionary = *corpus.find("dictionary");
  EXPECT_EQ(dictionary.describe(), "an object of utils.word_utils.Dictionary");
  EXPECT_EQ(dictionary.find("idx2word")->at(0).text(), "<pad>");
}

}  // namespace
}  // namespace referent::formats
