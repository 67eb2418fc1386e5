// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/rle.h"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <sstream>

#include "formats/fixtures.h"
#include "referent/core/error.h"
#include "referent/core/random.h"
#include "referent/formats/rle_json.h"
#include "referent/formats/segmentation.h"
#include "support/test_data.h"

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

TEST(RleTest, EveryGoldenMaskHasItsTextAndArea) {
  std::istringstream lines(read_text_file(testing::goldens() / "vglaw" / "coco-masks.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto golden = nlohmann::json::parse(line);
    const auto text = golden["rle"].get<std::string>();
    const Rle rle{golden["size"][0], golden["size"][1], decode_rle_counts(text)};
    EXPECT_EQ(rle_area(rle), golden["area"].get<std::uint64_t>());
    const Rle again = rle_from_mask(mask_from_rle(rle), rle.height, rle.width);
    EXPECT_EQ(again, rle);
    EXPECT_EQ(encode_rle_counts(again.counts), text);
  }
  EXPECT_EQ(count, 1698);
}

TEST(RleTest, ItsJsonIsThatOfCoco) {
  const Rle rle{3, 4, {2, 3, 7}};
  const std::string text = rle_json(rle).dump();
  EXPECT_EQ(text, R"({"size":[3,4],"counts":"237"})");
  EXPECT_EQ(parse_segmentation(text, "the text").rle, rle);
}

TEST(RleTest, TheUnionIsThatOfThePixels) {
  RandomStream stream(3);
  for (int round = 0; round < 50; ++round) {
    const std::int64_t height = stream.integer(1, 9);
    const std::int64_t width = stream.integer(1, 9);
    std::array<std::vector<std::uint8_t>, 3> masks;
    for (std::int64_t i = 0; i < height * width; ++i) {
      for (const std::size_t side : {0U, 1U}) masks[side].push_back(stream.chance(0.3) ? 1 : 0);
      masks[2].push_back(masks[0].back() | masks[1].back());
    }
    const auto rle = [&](std::size_t i) { return rle_from_mask(masks.at(i), height, width); };
    EXPECT_EQ(rle_union(rle(0), rle(1)), rle(2));
  }
  // Runs of nothing change nothing.
  EXPECT_EQ(rle_union({2, 2, {0, 0, 1, 0, 0, 2, 1}}, {2, 2, {4, 0}}).counts,
            (std::vector<std::uint32_t>{1, 2, 1}));
  EXPECT_THROW(rle_union({2, 2, {4}}, {2, 3, {6}}), DataError);
  EXPECT_THROW(rle_union({2, 2, {3}}, {2, 2, {4}}), DataError);
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
