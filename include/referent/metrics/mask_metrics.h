// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "referent/formats/rle.h"

namespace referent::metrics {

/// Pixels that two masks share and that either has.
struct MaskOverlap {
  std::int64_t intersection = 0;
  std::int64_t united = 0;

  bool operator==(const MaskOverlap&) const = default;
};

/// Of two masks of one size. Throws DataError for sizes that differ and as formats::check_rle().
MaskOverlap mask_overlap(const formats::Rle& a, const formats::Rle& b);

/// (intersection + 1e-10) / (union + 1e-10) in float32, as VG-LAW's released code has it: two empty
/// masks give 1.
float mask_iou(const MaskOverlap& overlap);

/// Prec@0.5 to Prec@0.9, mean IoU (the mean over samples) and overall IoU (all intersections over
/// all unions) of masks. A sample hits at t when its IoU > t in float32, unlike a box, which hits
/// at equality too: both as in the released code.
///
/// The overlap of every sample is kept under its place in the data set, so that a result depends
/// only on which samples were added, as in GroundingMetrics.
class MaskMetrics {
 public:
  static constexpr std::array<float, 5> kThresholds{0.5F, 0.6F, 0.7F, 0.8F, 0.9F};

  /// Adds one sample, `index` its place in the data set. Every sample counts once: adding an index
  /// again is a fault of the caller (std::logic_error).
  void add(std::int64_t index, const MaskOverlap& overlap);

  /// Adds the samples of another part of the same data set.
  void merge(const MaskMetrics& part);

  /// Samples with an annotated mask: the others are not added.
  std::int64_t count() const { return static_cast<std::int64_t>(overlaps_.size()); }

  /// Samples with an IoU above `threshold`.
  std::int64_t hits(float threshold) const;

  /// Share of samples that hit at `threshold`; 0 when there are none.
  double precision(float threshold) const;

  /// Mean IoU; 0 when there are no samples.
  double mean_iou() const;

  /// Sum of intersections over sum of unions; 0 when there are no samples, 1 when all of their
  /// masks are empty.
  double overall_iou() const;

  /// Overlap by place in the data set: what processes exchange, and what predictions report.
  const std::map<std::int64_t, MaskOverlap>& overlaps() const { return overlaps_; }

 private:
  std::map<std::int64_t, MaskOverlap> overlaps_;
};

}  // namespace referent::metrics
