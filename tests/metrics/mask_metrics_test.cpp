// SPDX-License-Identifier: Apache-2.0
#include "referent/metrics/mask_metrics.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "referent/core/error.h"
#include "referent/core/random.h"

namespace referent::metrics {
namespace {

using formats::Rle;

TEST(MaskOverlapTest, CountsSharedAndUnitedPixels) {
  const Rle left{2, 4, {0, 4, 4}};    // columns 0 and 1
  const Rle middle{2, 4, {2, 4, 2}};  // columns 1 and 2
  const Rle none{2, 4, {8}};
  EXPECT_EQ(mask_overlap(left, middle), (MaskOverlap{2, 6}));
  EXPECT_EQ(mask_overlap(left, left), (MaskOverlap{4, 4}));
  EXPECT_EQ(mask_overlap(left, none), (MaskOverlap{0, 4}));
  EXPECT_EQ(mask_overlap(none, none), (MaskOverlap{0, 0}));
  EXPECT_THROW(mask_overlap(left, Rle{4, 2, {8}}), DataError);
  EXPECT_THROW(mask_overlap(left, Rle{2, 4, {7}}), DataError);
}

TEST(MaskOverlapTest, IouIsAsReleased) {
  EXPECT_EQ(mask_iou({0, 0}), 1.0F);
  EXPECT_EQ(mask_iou({5, 5}), 1.0F);
  EXPECT_EQ(mask_iou({3, 6}), 0.5F);
  EXPECT_NEAR(mask_iou({0, 7}), 0.0F, 1e-10F);
}

TEST(MaskMetricsTest, MeanOverallAndStrictPrecision) {
  MaskMetrics metrics;
  metrics.add(4, {50, 100});  // exactly 0.5: no hit
  metrics.add(1, {51, 100});
  metrics.add(2, {0, 0});
  metrics.add(7, {0, 1000});
  EXPECT_EQ(metrics.count(), 4);
  EXPECT_EQ(metrics.hits(0.5F), 2);
  EXPECT_DOUBLE_EQ(metrics.precision(0.5F), 0.5);
  EXPECT_DOUBLE_EQ(metrics.precision(0.9F), 0.25);
  EXPECT_NEAR(metrics.mean_iou(), (0.5 + 0.51 + 1.0) / 4, 1e-7);
  EXPECT_DOUBLE_EQ(metrics.overall_iou(), 101.0 / 1200.0);
}

TEST(MaskMetricsTest, NothingMakesZerosAndEmptyMasksOnes) {
  MaskMetrics metrics;
  EXPECT_EQ(metrics.count(), 0);
  EXPECT_EQ(metrics.precision(0.5F), 0.0);
  EXPECT_EQ(metrics.mean_iou(), 0.0);
  EXPECT_EQ(metrics.overall_iou(), 0.0);
  metrics.add(0, {0, 0});
  EXPECT_EQ(metrics.mean_iou(), 1.0);
  EXPECT_EQ(metrics.overall_iou(), 1.0);
}

TEST(MaskMetricsTest, AnySplitAndOrderGiveTheSameBits) {
  RandomStream random(3);
  std::vector<MaskOverlap> overlaps;
  MaskMetrics whole;
  for (std::int64_t i = 0; i < 500; ++i) {
    const std::int64_t united = random.integer(0, 5000);
    overlaps.push_back({random.integer(0, united), united});
    whole.add(i, overlaps.back());
  }
  for (const std::size_t processes : {1U, 3U, 5U}) {
    std::vector<MaskMetrics> parts(processes);
    for (std::size_t i = overlaps.size(); i-- > 0;) {
      parts[(i / 7) % processes].add(static_cast<std::int64_t>(i), overlaps[i]);
    }
    random.shuffle(parts);
    MaskMetrics merged;
    for (const MaskMetrics& part : parts) merged.merge(part);
    EXPECT_EQ(merged.overlaps(), whole.overlaps());
    EXPECT_EQ(merged.mean_iou(), whole.mean_iou());
    EXPECT_EQ(merged.overall_iou(), whole.overall_iou());
  }
}

TEST(MaskMetricsTest, RefusesASampleTwiceAndWhatIsNoOverlap) {
  MaskMetrics metrics;
  metrics.add(5, {1, 2});
  EXPECT_THROW(metrics.add(5, {1, 2}), std::logic_error);
  EXPECT_THROW(metrics.add(6, {3, 2}), std::logic_error);
  EXPECT_THROW(metrics.add(7, {-1, 2}), std::logic_error);
  EXPECT_EQ(metrics.count(), 1);
}

}  // namespace
}  // namespace referent::metrics
