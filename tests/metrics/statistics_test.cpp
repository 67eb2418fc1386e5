// SPDX-License-Identifier: Apache-2.0
#include "referent/metrics/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "referent/core/random.h"

namespace referent::metrics {
namespace {

std::vector<std::int64_t> own_groups(std::size_t count) {
  std::vector<std::int64_t> groups(count);
  std::iota(groups.begin(), groups.end(), 0);
  return groups;
}

Interval interval_of(std::span<const double> values, std::span<const std::int64_t> groups) {
  return middle_interval(resampled_means(values, groups));
}

double width(const Interval& interval) {
  return interval.high - interval.low;
}

// Expected values: Python's math.comb, exact until the last division.
TEST(McNemarTest, EqualsTheExactBinomialSums) {
  EXPECT_NEAR(mcnemar_p(5, 15), 0.04138946533203125, 1e-14);
  EXPECT_NEAR(mcnemar_p(15, 5), 0.04138946533203125, 1e-14);
  EXPECT_NEAR(mcnemar_p(0, 10), 0.001953125, 1e-15);
  EXPECT_NEAR(mcnemar_p(480, 550), 0.031508461146099044, 1e-10);
  EXPECT_NEAR(mcnemar_p(20'000, 20'400), 0.04713209701042844, 1e-9);
}

TEST(McNemarTest, EvenSplitsAndNoneAtAllSayNothing) {
  EXPECT_EQ(mcnemar_p(0, 0), 1);
  EXPECT_EQ(mcnemar_p(1, 0), 1);
  EXPECT_EQ(mcnemar_p(3, 3), 1);
}

TEST(BootstrapTest, TheSameSeedGivesTheSameMeans) {
  const std::vector<double> values{0.1, 0.9, 0.4, 0.7, 0.2};
  const auto groups = own_groups(values.size());
  const std::vector<double> means = resampled_means(values, groups);
  EXPECT_EQ(means.size(), 10'000U);
  EXPECT_TRUE(std::ranges::is_sorted(means));
  EXPECT_EQ(resampled_means(values, groups), means);
  EXPECT_NE(resampled_means(values, groups, {.seed = 1}), means);
}

TEST(BootstrapTest, EqualValuesLeaveNoDoubt) {
  const std::vector<double> values(20, 0.25);
  const Interval interval = interval_of(values, own_groups(20));
  EXPECT_EQ(interval.low, 0.25);
  EXPECT_EQ(interval.high, 0.25);
}

/// Of n fair coins the mean's standard deviation is 0.5 / sqrt(n).
TEST(BootstrapTest, TheIntervalOfCoinsIsThatOfTheNormalLaw) {
  std::vector<double> values(400, 0.0);
  std::fill_n(values.begin(), 200, 1.0);
  const Interval interval = interval_of(values, own_groups(400));
  EXPECT_NEAR(interval.low, 0.5 - 1.96 * 0.5 / 20, 0.004);
  EXPECT_NEAR(interval.high, 0.5 + 1.96 * 0.5 / 20, 0.004);
}

TEST(BootstrapTest, ValuesOfOneGroupCountAsOneObservation) {
  std::vector<double> values;
  std::vector<std::int64_t> groups;
  for (std::int64_t group = 0; group < 100; ++group) {
    for (int k = 0; k < 9; ++k) {
      values.push_back(group % 2 == 0 ? 1.0 : 0.0);
      groups.push_back(group);
    }
  }
  const double alone = width(interval_of(values, own_groups(values.size())));
  EXPECT_NEAR(width(interval_of(values, groups)) / alone, 3.0, 0.2);
}

TEST(BootstrapTest, NinetyFiveOfAHundredIntervalsHoldTheTruth) {
  RandomStream stream(7);
  int held = 0;
  for (int trial = 0; trial < 400; ++trial) {
    std::vector<double> values(60);
    for (double& value : values) value = stream.uniform();
    const auto means = resampled_means(values, own_groups(60), {.rounds = 1000});
    const Interval interval = middle_interval(means);
    held += interval.low <= 0.5 && 0.5 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(held, 364);  // 91 %: four standard deviations below 95
  EXPECT_LE(held, 396);
}

TEST(SignTest, ComparesTheSidesOfZero) {
  EXPECT_DOUBLE_EQ(sign_p(std::vector<double>(99, 0.5)), 0.02);
  EXPECT_DOUBLE_EQ(sign_p(std::vector<double>(99, -0.5)), 0.02);
  EXPECT_DOUBLE_EQ(sign_p(std::vector<double>(99, 0.0)), 1);
  std::vector<double> mixed(99, 1.0);
  std::fill_n(mixed.begin(), 4, -1.0);
  EXPECT_DOUBLE_EQ(sign_p(mixed), 0.1);
}

}  // namespace
}  // namespace referent::metrics
