// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "formats/allocation.h"
#include "formats/fixtures.h"
#include "referent/core/error.h"
#include "support/test_data.h"

namespace referent::formats {
namespace {

using ::testing::HasSubstr;
using testing::little;

std::string file_of(const std::string& header, const std::string& data) {
  return little(header.size(), 8) + header + data;
}

std::string refusal(const std::string& content) {
  try {
    read_safetensors(testing::as_bytes(content), nullptr, "file.safetensors");
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "accepted";
}

std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

struct Lie {
  const char* name;
  std::string content;
  const char* reason;
};

std::vector<Lie> lies() {
  const std::string eight(8, '\0');
  const auto one = [](const std::string& value) { return "{\"a\":" + value + "}"; };
  const auto two = [](const std::string& first, const std::string& second) {
    return "{\"a\":" + first + ",\"b\":" + second + "}";
  };
  const std::string good = tensor("F32", "[2]", "[0,8]");
  return {
      {"empty", "", "too few"},
      {"seven bytes", "1234567", "too few"},
      {"header of 2^63", little(1ULL << 63U, 8) + "{}", "announced"},
      {"header of 2^64 - 1", little(~0ULL, 8) + "{}", "announced"},
      {"header beyond the end", little(3, 8) + "{}", "announced"},
      {"header over 100 MB", little(100'000'001, 8) + std::string(100'000'001, ' '), "announced"},
      {"leading space", file_of(" {}", ""), "'{'"},
      {"byte order mark", file_of("\xef\xbb\xbf{}", ""), "'{'"},
      {"array", file_of("[]", ""), "'{'"},
      {"cut JSON", file_of("{\"a\":", ""), "JSON"},
      {"two documents", file_of("{}{}", ""), "JSON"},
      {"bad UTF-8", file_of("{\"\xff\":1}", ""), "JSON"},
      {"duplicate tensor",
       file_of(two(good, good).replace(two(good, good).find("\"b\""), 3, "\"a\""), eight), "twice"},
      {"duplicate field",
       file_of(one(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"), eight),
       "twice"},
      {"deep nesting", file_of("{\"a\":" + std::string(200000, '['), ""), "nested"},
      {"unknown dtype", file_of(one(tensor("F33", "[2]", "[0,8]")), eight), "F33"},
      {"dtype that is a number",
       file_of(one(R"({"dtype":1,"shape":[2],"data_offsets":[0,8]})"), eight), "element type"},
      {"wrong dtype", file_of(one(tensor("F64", "[2]", "[0,8]")), eight), "does not fill"},
      {"missing field", file_of(one(R"({"dtype":"F32","shape":[2]})"), eight), "expected dtype"},
      {"extra field",
       file_of(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"), eight),
       "expected dtype"},
      {"tensor that is a number", file_of(one("1"), ""), "expected dtype"},
      {"negative shape", file_of(one(tensor("F32", "[-2]", "[0,8]")), eight), "at least 0"},
      {"fractional shape", file_of(one(tensor("F32", "[2.0]", "[0,8]")), eight), "at least 0"},
      {"shape beyond int64", file_of(one(tensor("F32", "[9223372036854775808]", "[0,8]")), eight),
       "too large"},
      {"shape that overflows", file_of(one(tensor("F32", "[4294967296,4294967296]", "[0,0]")), ""),
       "does not fill"},
      {"shape that wraps to its bytes",
       file_of(one(tensor("U8", "[8,2305843009213693953]", "[0,8]")), eight), "does not fill"},
      {"huge beside an empty extent",
       file_of(one(tensor("F32", "[0,4294967296,4294967296]", "[0,0]")), ""), "does not fill"},
      {"negative offset", file_of(one(tensor("F32", "[2]", "[-8,0]")), eight), "at least 0"},
      {"offsets that descend", file_of(one(tensor("F32", "[2]", "[8,0]")), eight), "do not lie"},
      {"offset beyond the end", file_of(one(tensor("F32", "[4]", "[0,16]")), eight), "do not lie"},
      {"offset of 2^64", file_of(one(tensor("F32", "[2]", "[0,18446744073709551616]")), eight),
       "at least 0"},
      {"one offset", file_of(one(tensor("F32", "[2]", "[0]")), eight), "two data_offsets"},
      {"overlap", file_of(two(good, tensor("F32", "[1]", "[4,8]")), eight), "expected 8"},
      {"same bytes twice", file_of(two(good, good), eight), "expected 8"},
      {"hole",
       file_of(two(tensor("F32", "[1]", "[0,4]"), tensor("F32", "[1]", "[8,12]")),
               eight + eight.substr(4)),
       "expected 4"},
      {"hole at the beginning", file_of(one(tensor("F32", "[1]", "[4,8]")), eight), "expected 0"},
      {"trailing bytes", file_of(one(good), eight + "x"), "the tensors take 8"},
      {"data without tensors", file_of("{}", eight), "the tensors take 0"},
      {"metadata that is no object", file_of(R"({"__metadata__":1})", ""), "not an object"},
      {"metadata that is no string", file_of(R"({"__metadata__":{"a":1}})", ""), "not a string"},
  };
}

TEST(SafetensorsTest, RefusesEveryLie) {
  constexpr std::size_t kAllowed = 1 << 20;  // beyond the file
  const std::vector<Lie> all = lies();
  std::size_t most = 0;
  double slowest = 0;
  for (const Lie& lie : all) {
    const auto start = std::chrono::steady_clock::now();
    const testing::AllocationPeak peak;
    const std::string message = refusal(lie.content);
    const std::size_t allocated = peak.bytes();
    const std::chrono::duration<double, std::milli> spent =
        std::chrono::steady_clock::now() - start;
    EXPECT_THAT(message, HasSubstr(lie.reason)) << lie.name;
    EXPECT_THAT(message, HasSubstr("file.safetensors")) << lie.name;
    EXPECT_LE(allocated, lie.content.size() + kAllowed) << lie.name;
    most = std::max(most, allocated);
    slowest = std::max(slowest, spent.count());
  }
  std::printf("safetensors lies: %zu refused, at most %zu bytes allocated, the slowest %.2f ms\n",
              all.size(), most, slowest);
  RecordProperty("most_bytes", std::to_string(most));
}

TEST(SafetensorsTest, AcceptsPaddingEmptyTensorsAndNoTensors) {
  EXPECT_EQ(refusal(file_of("{}", "")), "accepted");
  EXPECT_EQ(refusal(file_of("{}      ", "")), "accepted");
  EXPECT_EQ(refusal(file_of("{\"e\":" + tensor("F32", "[0,3]", "[8,8]") +
                                ",\"a\":" + tensor("F32", "[2]", "[0,8]") + "}",
                            std::string(8, '\0'))),
            "accepted");
}

TEST(SafetensorsTest, WritesWhatItReadsBack) {
  const testing::TemporaryFolder folder;
  const std::array<float, 3> floats{1.5F, -2.0F, 0.0F};
  const std::array<std::int64_t, 2> integers{1, -1};
  const std::array<std::uint8_t, 1> byte{200};
  const TensorMap tensors{
      {"z.weight", make_tensor<float>(DType::kFloat32, {3, 1}, floats)},
      {"a.byte", make_tensor<std::uint8_t>(DType::kUInt8, {}, byte)},
      {"m.\"quoted\" \xc3\xa9", make_tensor<std::int64_t>(DType::kInt64, {2}, integers)},
      {"empty", make_tensor<float>(DType::kFloat32, {0, 2}, {})}};
  const std::map<std::string, std::string> metadata{{"format", "pt"}, {"note", "line\n\"two\""}};
  const Path path = folder.path() / "a.safetensors";
  write_safetensors(path, tensors, metadata);
  const TensorFile file = read_safetensors(path);
  EXPECT_EQ(file.metadata, metadata);
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, expected] : tensors) {
    const Tensor& seen = file.tensors.at(name);
    EXPECT_EQ(seen.dtype, expected.dtype) << name;
    EXPECT_EQ(seen.shape, expected.shape) << name;
    EXPECT_TRUE(std::equal(seen.bytes.begin(), seen.bytes.end(), expected.bytes.begin(),
                           expected.bytes.end()))
        << name;
  }
  EXPECT_THROW(write_safetensors(path, {{"\xff", tensors.at("empty")}}, {}), CheckpointError);
}

TEST(SafetensorsTest, IsLaidOutAsByTheReferenceImplementation) {
  const testing::TemporaryFolder folder;
  const Path original = testing::fixture("state_expected.safetensors");
  const TensorFile file = read_safetensors(original);
  const Path copy = folder.path() / "copy.safetensors";
  write_safetensors(copy, file.tensors, file.metadata);
  EXPECT_EQ(read_text_file(copy), read_text_file(original));
}

TEST(SafetensorsTest, TensorsOutliveTheFileObject) {
  Tensor kept;
  {
    const TensorFile file = read_safetensors(testing::fixture("state_expected.safetensors"));
    kept = file.tensors.at("shared.part");
  }
  EXPECT_EQ(kept.values<float>(), (std::vector<float>{5, 6, 7, 8}));
}

TEST(SafetensorsTest, ReadsAPublishedFile) {
  const Path data = testing::test_data();
  if (data.empty()) GTEST_SKIP() << testing::kNoTestData;
  const TensorFile file =
      read_safetensors(data / "weights" / "resnet18-imagenet-folded-c4.safetensors");
  EXPECT_EQ(file.tensors.size(), 38U);
  EXPECT_EQ(describe(file.tensors.at("conv1.weight")), "float32 [64, 3, 7, 7]");
  EXPECT_EQ(file.metadata.at("format"), "pt");
}

}  // namespace
}  // namespace referent::formats
