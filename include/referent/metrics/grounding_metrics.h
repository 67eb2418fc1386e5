// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

namespace referent::metrics {

/// Prec@0.5 to Prec@0.9 and mean IoU of box grounding. A sample hits at t when its IoU >= t, both
/// in float32.
///
/// The IoU of every sample is kept under its place in the data set, and sums run in that order. So
/// a result depends only on which samples were added: not on batches, on their order, on how they
/// were split over processes, or on the order in which parts are merged, to the last bit.
class GroundingMetrics {
 public:
  static constexpr std::array<float, 5> kThresholds{0.5F, 0.6F, 0.7F, 0.8F, 0.9F};

  /// Adds one sample, `index` its place in the data set, `iou` in [0, 1]. Every sample counts
  /// once: adding an index again is a fault of the caller (std::logic_error).
  void add(std::int64_t index, float iou);

  /// Adds the samples of another part of the same data set.
  void merge(const GroundingMetrics& part);

  std::int64_t count() const { return static_cast<std::int64_t>(ious_.size()); }

  /// Samples with an IoU of at least `threshold`.
  std::int64_t hits(float threshold) const;

  /// Share of samples that hit at `threshold`; 0 when there are none.
  double precision(float threshold) const;

  /// Mean IoU; 0 when there are no samples.
  double mean_iou() const;

  /// IoU by place in the data set: what processes exchange, and what predictions report.
  const std::map<std::int64_t, float>& ious() const { return ious_; }

 private:
  std::map<std::int64_t, float> ious_;
};

}  // namespace referent::metrics
