// SPDX-License-Identifier: Apache-2.0
#include "referent/metrics/grounding_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "metrics/golden.h"
#include "referent/core/random.h"

namespace referent::metrics {
namespace {

using nlohmann::json;
using referent::testing::center_box;

TEST(GroundingMetricsTest, EqualsTheReleasedBatches) {
  const json golden = referent::testing::metrics_golden();
  const double tolerance = golden.at("tolerance").at("abs");
  GroundingMetrics all;
  std::int64_t hits = 0;
  for (const json& batch : golden.at("batches")) {
    GroundingMetrics metrics;
    const std::int64_t first = batch.at("first");
    const std::int64_t count = batch.at("count");
    for (std::int64_t i = first; i < first + count; ++i) {
      const json& pair = golden.at("pairs").at(static_cast<std::size_t>(i));
      metrics.add(i, evaluation_iou(center_box(pair.at("pred_cxcywh")),
                                    center_box(pair.at("target_cxcywh"))));
    }
    EXPECT_EQ(metrics.hits(0.5F), batch.at("hits").get<std::int64_t>());
    EXPECT_NEAR(metrics.precision(0.5F), batch.at("accuracy").get<double>(), tolerance);
    hits += metrics.hits(0.5F);
    all.merge(metrics);
  }
  EXPECT_EQ(all.count(), 400);
  EXPECT_EQ(all.hits(0.5F), hits);
}

TEST(GroundingMetricsTest, CountsHitsFromTheThresholdOn) {
  GroundingMetrics metrics;
  metrics.add(0, 0.5F);
  metrics.add(1, std::nextafter(0.5F, 0.0F));
  metrics.add(2, 0.7F);
  metrics.add(3, 1.0F);
  EXPECT_EQ(metrics.count(), 4);
  EXPECT_EQ(metrics.hits(0.5F), 3);
  EXPECT_EQ(metrics.hits(0.7F), 2);
  EXPECT_DOUBLE_EQ(metrics.precision(0.9F), 0.25);
  EXPECT_NEAR(metrics.mean_iou(), 0.675, 1e-7);
}

TEST(GroundingMetricsTest, NothingMakesZeros) {
  const GroundingMetrics metrics;
  EXPECT_EQ(metrics.count(), 0);
  EXPECT_EQ(metrics.precision(0.5F), 0.0);
  EXPECT_EQ(metrics.mean_iou(), 0.0);
}

TEST(GroundingMetricsTest, AnySplitAndOrderGiveTheSameBits) {
  constexpr std::int64_t kSamples = 3001;
  RandomStream random(3);
  std::vector<float> ious;
  for (std::int64_t i = 0; i < kSamples; ++i) {
    ious.push_back(static_cast<float>(random.uniform()));
  }
  GroundingMetrics whole;
  for (std::int64_t i = 0; i < kSamples; ++i) whole.add(i, ious[static_cast<std::size_t>(i)]);

  for (const std::int64_t processes : {1, 2, 3, 5}) {
    for (const std::int64_t batch : {1, 7, 64}) {
      std::vector<GroundingMetrics> parts(static_cast<std::size_t>(processes));
      for (std::int64_t i = kSamples - 1; i >= 0; --i) {
        const std::int64_t owner = (i / batch) % processes;
        parts[static_cast<std::size_t>(owner)].add(i, ious[static_cast<std::size_t>(i)]);
      }
      random.shuffle(parts);
      GroundingMetrics merged;
      for (const GroundingMetrics& part : parts) merged.merge(part);
      EXPECT_EQ(merged.mean_iou(), whole.mean_iou());
      EXPECT_EQ(merged.ious(), whole.ious());
      for (const float threshold : GroundingMetrics::kThresholds) {
        EXPECT_EQ(merged.hits(threshold), whole.hits(threshold));
      }
    }
  }
}

TEST(GroundingMetricsTest, RefusesASampleTwiceAndWhatIsNoIou) {
  GroundingMetrics metrics;
  metrics.add(5, 0.5F);
  EXPECT_THROW(metrics.add(5, 0.5F), std::logic_error);
  EXPECT_THROW(metrics.add(6, std::numeric_limits<float>::quiet_NaN()), std::logic_error);
  EXPECT_THROW(metrics.add(7, 1.5F), std::logic_error);
  GroundingMetrics other;
  other.add(5, 0.1F);
  EXPECT_THROW(metrics.merge(other), std::logic_error);
  EXPECT_EQ(metrics.count(), 1);
}

}  // namespace
}  // namespace referent::metrics
