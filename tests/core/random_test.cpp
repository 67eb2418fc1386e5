// SPDX-License-Identifier: Apache-2.0
#include "referent/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace referent {
namespace {

TEST(RandomStreamTest, SameKeySameDraws) {
  RandomStream a(1, 2, 3, "augment");
  RandomStream b(1, 2, 3, "augment");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
}

TEST(RandomStreamTest, EveryPartOfTheKeyCounts) {
  const auto first = [](auto... key) { return RandomStream(key...).next(); };
  const std::uint64_t base = first(1, 2, 3, "augment");
  EXPECT_NE(base, first(2, 2, 3, "augment"));
  EXPECT_NE(base, first(1, 3, 3, "augment"));
  EXPECT_NE(base, first(1, 2, 4, "augment"));
  EXPECT_NE(base, first(1, 2, 3, "order"));
  EXPECT_NE(base, first(1, 3, 2, "augment"));
}

TEST(RandomStreamTest, IntegersCoverTheirRangeEvenly) {
  RandomStream stream(7);
  std::array<int, 6> counts{};
  constexpr int kDraws = 60000;
  for (int i = 0; i < kDraws; ++i) ++counts.at(static_cast<std::size_t>(stream.integer(-2, 3) + 2));
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 6, 400);  // four standard deviations
  EXPECT_EQ(stream.integer(5, 5), 5);
}

TEST(RandomStreamTest, UniformStaysInItsRange) {
  RandomStream stream(7);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double value = stream.uniform(-1.0, 3.0);
    EXPECT_GE(value, -1.0);
    EXPECT_LT(value, 3.0);
    sum += value;
  }
  EXPECT_NEAR(sum / 10000, 1.0, 0.05);
}

TEST(RandomStreamTest, ShuffleIsAPermutation) {
  RandomStream stream(7);
  std::vector<int> values(100);
  std::iota(values.begin(), values.end(), 0);
  const std::vector<int> sorted = values;
  stream.shuffle(values);
  EXPECT_NE(values, sorted);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, sorted);
}

}  // namespace
}  // namespace referent
