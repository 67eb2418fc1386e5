// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace referent::formats {
namespace {

using ::testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(NumbersTest, HalvesOfEveryKindAreExact) {
  EXPECT_EQ(half_to_float(0x0000), 0.0F);
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24F);  // the smallest
  EXPECT_EQ(half_to_float(0x03FF), 0x1p-14F - 0x1p-24F);
  EXPECT_EQ(half_to_float(0x0400), 0x1p-14F);  // the smallest with a leading one
  EXPECT_EQ(half_to_float(0x3C00), 1.0F);
  EXPECT_EQ(half_to_float(0xC100), -2.5F);
  EXPECT_EQ(half_to_float(0x7BFF), 65504.0F);
  EXPECT_EQ(half_to_float(0xFC00), -kInfinity);
  EXPECT_TRUE(std::isnan(half_to_float(0x7C01)));
}

TEST(NumbersTest, BFloat16IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(bfloat16_to_float(0x3F80), 1.0F);
  EXPECT_EQ(bfloat16_to_float(0xC049), -3.140625F);
  EXPECT_EQ(bfloat16_to_float(0x7F80), kInfinity);
}

TEST(NumbersTest, EveryTypeBecomesDoubles) {
  const std::array<std::int64_t, 2> wide{-5, 1LL << 40};
  EXPECT_THAT(to_doubles(make_tensor<std::int64_t>(DType::kInt64, {2}, wide)),
              ElementsAre(-5, 0x1p40));
  const std::array<std::int8_t, 2> narrow{-128, 7};
  EXPECT_THAT(to_doubles(make_tensor<std::int8_t>(DType::kInt8, {2}, narrow)),
              ElementsAre(-128, 7));
  const std::array<std::uint8_t, 2> bytes{1, 255};
  EXPECT_THAT(to_doubles(make_tensor<std::uint8_t>(DType::kUInt8, {2}, bytes)),
              ElementsAre(1, 255));
  const std::array<std::uint16_t, 2> low{0x3F80, 0xC049};
  EXPECT_THAT(to_doubles(make_tensor<std::uint16_t>(DType::kBFloat16, {2}, low)),
              ElementsAre(1, -3.140625));
  const std::array<double, 1> high{0.1};
  EXPECT_THAT(to_doubles(make_tensor<double>(DType::kFloat64, {1}, high)), ElementsAre(0.1));
  EXPECT_TRUE(is_floating(DType::kBFloat16));
  EXPECT_FALSE(is_floating(DType::kInt64));
}

}  // namespace
}  // namespace referent::formats
