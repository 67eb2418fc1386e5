// SPDX-License-Identifier: Apache-2.0
#include "referent/data/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace referent::data {
namespace {

TEST(SamplerTest, KeepsTheOrderUnlessShuffled) {
  EXPECT_THAT(epoch_order(4, 1, 2, false), ::testing::ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(epoch_order(0, 1, 2, true).empty());
}

TEST(SamplerTest, ShufflesEveryIndexOnce) {
  auto order = epoch_order(1000, 1, 2, true);
  EXPECT_NE(order, epoch_order(1000, 1, 2, false));
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, epoch_order(1000, 1, 2, false));
}

TEST(SamplerTest, DependsOnSeedAndEpochOnly) {
  const auto order = epoch_order(100, 1, 2, true);
  EXPECT_EQ(order, epoch_order(100, 1, 2, true));
  EXPECT_NE(order, epoch_order(100, 1, 3, true));
  EXPECT_NE(order, epoch_order(100, 2, 2, true));
}

}  // namespace
}  // namespace referent::data
