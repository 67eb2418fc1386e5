// SPDX-License-Identifier: Apache-2.0
#include "referent/data/draws.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "referent/core/error.h"

namespace referent::data {
namespace {

TEST(DrawsTest, StreamDrawsStayInTheirRanges) {
  RandomStream stream(5);
  StreamDraws draws(stream);
  const std::array<std::int64_t, 3> values{400, 500, 600};
  for (int i = 0; i < 1000; ++i) {
    const double number = draws.uniform(0.6, 1.4);
    EXPECT_TRUE(number >= 0.6 && number < 1.4);
    EXPECT_THAT(values, ::testing::Contains(draws.choice(values)));
    EXPECT_THAT(draws.permutation(3), ::testing::UnorderedElementsAre(0, 1, 2));
    const CropCorner corner = draws.crop_corner(10, 6, 7, 6);
    EXPECT_TRUE(corner.left >= 0 && corner.left <= 3);
    EXPECT_EQ(corner.top, 0);
  }
}

TEST(DrawsTest, ReplayGivesTheRecordedValues) {
  ReplayedDraws draws({{"random", {}, {0.25}},
                       {"randint", {0, 9}, {4}},
                       {"permutation", {3}, {2, 0, 1}},
                       {"crop_params", {604, 400, 449, 387}, {7, 35, 387, 449}}});
  EXPECT_EQ(draws.random(), 0.25);
  EXPECT_EQ(draws.randint(0, 9), 4);
  EXPECT_THAT(draws.permutation(3), ::testing::ElementsAre(2, 0, 1));
  const CropCorner corner = draws.crop_corner(604, 400, 449, 387);
  EXPECT_EQ(corner.top, 7);
  EXPECT_EQ(corner.left, 35);
  EXPECT_EQ(draws.remaining(), 0U);
}

TEST(DrawsTest, ReplayRefusesAnotherCall) {
  const std::vector<RecordedDraw> record{{"randint", {0, 9}, {4}}};
  EXPECT_THROW(ReplayedDraws(record).random(), DataError);
  EXPECT_THROW(ReplayedDraws(record).randint(0, 8), DataError);
  ReplayedDraws draws(record);
  draws.randint(0, 9);
  EXPECT_THROW(draws.randint(0, 9), DataError);
}

}  // namespace
}  // namespace referent::data
