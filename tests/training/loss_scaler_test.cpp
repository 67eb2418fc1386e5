// SPDX-License-Identifier: Apache-2.0
#include "referent/training/loss_scaler.h"

#include <gtest/gtest.h>

namespace referent::training {
namespace {

TEST(LossScalerTest, HalvesAtAnOverflowAndDoublesAfterAWhile) {
  LossScaler scaler({.initial = 8, .growth_steps = 3});
  EXPECT_EQ(scaler.scale(), 8);
  EXPECT_TRUE(scaler.update(false));
  EXPECT_EQ(scaler.scale(), 4);
  for (int step = 0; step < 2; ++step) EXPECT_FALSE(scaler.update(true));
  EXPECT_EQ(scaler.scale(), 4);
  EXPECT_FALSE(scaler.update(true));
  EXPECT_EQ(scaler.scale(), 8);
  EXPECT_FALSE(scaler.update(true));
  EXPECT_TRUE(scaler.update(false));  // and the count begins anew
  for (int step = 0; step < 2; ++step) scaler.update(true);
  EXPECT_EQ(scaler.scale(), 4);
}

TEST(LossScalerTest, AtOneAnOverflowIsNotTheScalesFault) {
  LossScaler scaler({.initial = 2, .growth_steps = 100});
  EXPECT_TRUE(scaler.update(false));
  EXPECT_FALSE(scaler.update(false));
  EXPECT_EQ(scaler.scale(), 1);
}

TEST(LossScalerTest, StateComesBack) {
  LossScaler scaler({.initial = 8, .growth_steps = 3});
  scaler.update(true);
  scaler.update(true);
  LossScaler again({.initial = 1024, .growth_steps = 3});
  again.load_state(scaler.state());
  EXPECT_FALSE(again.update(true));
  EXPECT_EQ(again.scale(), 16);
}

}  // namespace
}  // namespace referent::training
