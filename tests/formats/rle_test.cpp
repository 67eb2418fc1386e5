// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/rle.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "formats/fixtures.h"
#include "referent/core/error.h"

namespace referent::formats {
namespace {

std::vector<std::uint8_t> expand(const nlohmann::json& row_major_runs) {
  std::vector<std::uint8_t> mask;
  std::uint8_t value = 0;
  for (const auto& run : row_major_runs) {
    mask.insert(mask.end(), run.get<std::size_t>(), value);
    value ^= 1U;
  }
  return mask;
}

TEST(RleTest, IsBitEqualToPycocotools) {
  const auto cases = nlohmann::json::parse(read_text_file(testing::fixture("rle.json")));
  ASSERT_EQ(cases.size(), 6U);
  for (const auto& item : cases) {
    const std::vector<std::uint8_t> mask = expand(item["row_major_runs"]);
    const Rle rle = rle_from_mask(mask, item["height"], item["width"]);
    const std::string text = encode_rle_counts(rle.counts);
    EXPECT_EQ(text, item["counts"].get<std::string>());
    EXPECT_EQ(decode_rle_counts(text), rle.counts);
    EXPECT_EQ(mask_from_rle(rle), mask);
    EXPECT_EQ(rle_area(rle), item["area"].get<std::uint64_t>());
  }
}

TEST(RleTest, LargeCountsRoundTrip) {
  const std::vector<std::uint32_t> counts{0, 4294967295U, 1, 0, 4294967295U, 17};
  EXPECT_EQ(decode_rle_counts(encode_rle_counts(counts)), counts);
}

TEST(RleTest, RefusesBrokenCounts) {
  EXPECT_THROW(decode_rle_counts("P"), DataError);    // more is announced
  EXPECT_THROW(decode_rle_counts("1 2"), DataError);  // not a group
  EXPECT_THROW(decode_rle_counts("\xff"), DataError);
  EXPECT_THROW(decode_rle_counts("O"), DataError);              // -1
  EXPECT_THROW(decode_rle_counts("ooooooooooooo"), DataError);  // a number without end
  EXPECT_THROW(mask_from_rle({2, 2, {1, 2}}), DataError);       // 3 of 4 pixels
  EXPECT_THROW(mask_from_rle({-2, -2, {4}}), DataError);
  EXPECT_THROW(mask_from_rle({1 << 20U, 1 << 11U, {1U << 31U}}), DataError);  // 2 GB
}

}  // namespace
}  // namespace referent::formats
