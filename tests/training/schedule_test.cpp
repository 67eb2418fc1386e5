// SPDX-License-Identifier: Apache-2.0
#include "referent/training/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace referent::training {
namespace {

TEST(ScheduleTest, StepDropsAtEveryMultiple) {
  ScheduleConfig config;
  config.drop_epochs = 60;
  EXPECT_DOUBLE_EQ(schedule_factor(config, 0, 10, 180), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 599, 10, 180), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 600, 10, 180), 0.1);
  EXPECT_NEAR(schedule_factor(config, 1200, 10, 180), 0.01, 1e-15);
}

TEST(ScheduleTest, StepDropsAtTheEpochsThatAreNamed) {
  ScheduleConfig config;
  config.drops = {10, 60};
  EXPECT_DOUBLE_EQ(schedule_factor(config, 99, 10, 90), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 100, 10, 90), 0.1);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 599, 10, 90), 0.1);
  EXPECT_NEAR(schedule_factor(config, 600, 10, 90), 0.01, 1e-15);
}

TEST(ScheduleTest, ConstantStaysAtThePeakAfterWarmUp) {
  ScheduleConfig config;
  config.type = ScheduleType::kConstant;
  config.warmup_steps = 2;
  EXPECT_DOUBLE_EQ(schedule_factor(config, 0, 10, 20), 0.5);
  EXPECT_DOUBLE_EQ(schedule_factor(config, 199, 10, 20), 1.0);
}

TEST(ScheduleTest, PolyAndCosineGoFromOneToZero) {
  for (const auto type : {ScheduleType::kPoly, ScheduleType::kCosine}) {
    ScheduleConfig config;
    config.type = type;
    EXPECT_DOUBLE_EQ(schedule_factor(config, 0, 10, 10), 1.0);
    EXPECT_NEAR(schedule_factor(config, 100, 10, 10), 0.0, 1e-15);
    for (int step = 0; step < 100; ++step) {
      EXPECT_GT(schedule_factor(config, step, 10, 10), schedule_factor(config, step + 1, 10, 10));
    }
  }
  ScheduleConfig poly;
  poly.type = ScheduleType::kPoly;
  EXPECT_DOUBLE_EQ(schedule_factor(poly, 50, 10, 10), std::pow(0.5, 0.9));
}

TEST(ScheduleTest, WarmsUpLinearly) {
  ScheduleConfig config;
  config.type = ScheduleType::kCosine;
  config.warmup_steps = 4;
  const double peak = schedule_factor(config, 1, 100, 100);
  EXPECT_NEAR(peak, 0.5, 1e-6);
  EXPECT_NEAR(schedule_factor(config, 3, 100, 100), 1.0, 1e-6);
}

}  // namespace
}  // namespace referent::training
