// SPDX-License-Identifier: Apache-2.0
#include "referent/image/mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/core/random.h"
#include "referent/formats/refer.h"
#include "support/test_data.h"

namespace referent::image {
namespace {

using formats::Rle;
using formats::Segmentation;
using nlohmann::json;
using ::testing::HasSubstr;

using Counts = std::vector<std::uint32_t>;

Mask picture(const std::vector<std::string>& rows) {
  Mask mask(static_cast<std::int64_t>(rows.front().size()), static_cast<std::int64_t>(rows.size()));
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    const auto width = static_cast<std::size_t>(mask.width);
    mask.pixels[i] = rows[i / width][i % width] == '#' ? 1 : 0;
  }
  return mask;
}

Mask random_mask(std::int64_t width, std::int64_t height, std::uint64_t key) {
  RandomStream stream(key);
  Mask mask(width, height);
  for (std::uint8_t& pixel : mask.pixels) pixel = stream.chance(0.4) ? 1 : 0;
  return mask;
}

TEST(PolygonTest, EveryCocoAnnotationIsBitEqualToPycocotools) {
  if (testing::test_data().empty()) GTEST_SKIP() << testing::kNoTestData;
  const auto instances = formats::read_instances(testing::test_data() / "coco" / "instances.json",
                                                 formats::Outlines::kRead);
  std::map<std::int64_t, const formats::Annotation*> annotations;
  for (const formats::Annotation& annotation : instances.annotations) {
    annotations.emplace(annotation.id, &annotation);
  }
  std::istringstream lines(read_text_file(testing::goldens() / "vglaw" / "coco-masks.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const json golden = json::parse(line);
    const formats::Annotation& annotation = *annotations.at(golden.at("annotation"));
    const Rle rle = rle_of(annotation.segmentation, golden.at("size")[1], golden.at("size")[0]);
    ASSERT_EQ(formats::encode_rle_counts(rle.counts), golden.at("rle").get<std::string>())
        << annotation.id;
    EXPECT_EQ(formats::rle_area(rle), golden.at("area").get<std::uint64_t>()) << annotation.id;
    EXPECT_EQ(rle_of(mask_of(rle)), rle) << annotation.id;
  }
  EXPECT_EQ(count, 1698);
}

TEST(PolygonTest, ARectangleOnTheGridIsExact) {
  const std::vector<double> rectangle{1, 1, 4, 1, 4, 3, 1, 3};
  EXPECT_EQ(mask_of(rle_of_polygon(rectangle, 6, 4)),
            picture({"......", ".###..", ".###..", "......"}));
  // The direction does not matter, nor does a corner that is there twice.
  const std::vector<double> other{1, 3, 4, 3, 4, 1, 4, 1, 1, 1, 1, 3};
  EXPECT_EQ(rle_of_polygon(other, 6, 4), rle_of_polygon(rectangle, 6, 4));
}

TEST(PolygonTest, OverlappingPartsAreOneUnion) {
  const Segmentation parts{{{0, 0, 3, 0, 3, 2, 0, 2}, {1, 1, 4, 1, 4, 3, 1, 3}}, std::nullopt};
  EXPECT_EQ(mask_of(rle_of(parts, 5, 3)), picture({"###..", "####.", ".###."}));
}

TEST(PolygonTest, WhatLiesOutsideIsCut) {
  const std::vector<double> beyond{-3, -3, 9, -3, 9, 9, -3, 9};
  EXPECT_EQ(rle_of_polygon(beyond, 4, 3).counts, (Counts{0, 12}));
  const std::vector<double> outside{10, 10, 14, 10, 14, 12};
  EXPECT_EQ(rle_of_polygon(outside, 4, 3).counts, (Counts{12}));
  const std::vector<double> point{1, 1, 1, 1, 1, 1};
  EXPECT_EQ(rle_of_polygon(point, 4, 3).counts, (Counts{12}));
}

TEST(PolygonTest, RefusesWhatIsNoPolygon) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& polygon : std::vector<std::vector<double>>{
           {}, {1, 1, 2, 2}, {1, 1, 2, 2, 3, 1, 4}, {1, 1, 2, nan, 3, 1}, {1, 1, 2, 1e300, 3, 1}}) {
    EXPECT_THROW(rle_of_polygon(polygon, 4, 4), DataError);
    EXPECT_THROW(rle_of({{polygon}, std::nullopt}, 4, 4), DataError);
  }
  std::vector<double> endless;
  for (int i = 0; i < 40; ++i) endless.insert(endless.end(), {-1e6, 0, 1e6, 1});
  EXPECT_THROW(rle_of_polygon(endless, 4, 4), DataError);
  EXPECT_THROW(rle_of(Segmentation(), 4, 4), DataError);
}

TEST(PolygonTest, RunLengthsOfAnotherSizeAreNamed) {
  try {
    rle_of({{}, Rle{2, 3, {6}}}, 3, 4);
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a mask of 3 x 2 pixels for a picture of 3 x 4"));
  }
  EXPECT_THROW(rle_of({{}, Rle{4, 3, {11}}}, 3, 4), DataError);
}

TEST(MaskTest, BothNearestRules) {
  const Mask mask = picture({"#..#.#"});
  // scale 2: pixels 1, 3, 5 and 0, 2, 4.
  EXPECT_EQ(resize(mask, 3, 1, MaskResize::kPixelCentre), picture({".##"}));
  EXPECT_EQ(resize(mask, 3, 1, MaskResize::kReleased), picture({"#.."}));
  EXPECT_EQ(resize(mask, 12, 1, MaskResize::kPixelCentre), picture({"##....##..##"}));
  EXPECT_EQ(resize(mask, 6, 1, MaskResize::kReleased), mask);
  EXPECT_EQ(resize(mask, 6, 2, MaskResize::kPixelCentre), picture({"#..#.#", "#..#.#"}));
}

TEST(MaskTest, AResizeAndItsMirrorImageAgree) {
  const Mask mask = random_mask(37, 23, 5);
  for (const std::int64_t width : {11, 37, 74, 90}) {
    // Where no two pixels are equally near, which an odd ratio excludes.
    const Mask there = resize(mask, width, 23, MaskResize::kPixelCentre);
    if (width % 2 == 1 || width % 37 == 0) {
      EXPECT_EQ(flip_horizontal(resize(flip_horizontal(mask), width, 23, MaskResize::kPixelCentre)),
                there)
          << width;
    }
  }
}

TEST(MaskTest, CropAndFlipMoveThePixels) {
  const Mask mask = picture({"#...", ".##.", "...#"});
  EXPECT_EQ(crop(mask, 1, 1, 3, 2), picture({"##.", "..#"}));
  EXPECT_EQ(flip_horizontal(mask), picture({"...#", ".##.", "#..."}));
  EXPECT_EQ(flip_horizontal(flip_horizontal(mask)), mask);
  EXPECT_THROW(crop(mask, 2, 0, 3, 1), std::logic_error);
  EXPECT_THROW(resize(Mask(), 2, 2, MaskResize::kPixelCentre), std::logic_error);
}

}  // namespace
}  // namespace referent::image
