// SPDX-License-Identifier: Apache-2.0
#include "referent/metrics/mask_metrics.h"

#include <algorithm>

#include "referent/core/error.h"

namespace referent::metrics {

MaskOverlap mask_overlap(const formats::Rle& a, const formats::Rle& b) {
  const auto area = [](const formats::Rle& rle) {
    return static_cast<std::int64_t>(formats::rle_area(rle));
  };
  const std::int64_t united = area(formats::rle_union(a, b));
  return {area(a) + area(b) - united, united};
}

float mask_iou(const MaskOverlap& overlap) {
  constexpr float kTiny = 1e-10F;
  return (static_cast<float>(overlap.intersection) + kTiny) /
         (static_cast<float>(overlap.united) + kTiny);
}

void MaskMetrics::add(std::int64_t index, const MaskOverlap& overlap) {
  REFERENT_CHECK(overlap.intersection >= 0 && overlap.intersection <= overlap.united,
                 "sample {} has {} common pixels of {}", index, overlap.intersection,
                 overlap.united);
  const bool added = overlaps_.emplace(index, overlap).second;
  REFERENT_CHECK(added, "sample {} was counted before", index);
}

void MaskMetrics::merge(const MaskMetrics& part) {
  for (const auto& [index, overlap] : part.overlaps_) add(index, overlap);
}

std::int64_t MaskMetrics::hits(float threshold) const {
  return std::count_if(overlaps_.begin(), overlaps_.end(), [threshold](const auto& sample) {
    return mask_iou(sample.second) > threshold;
  });
}

double MaskMetrics::precision(float threshold) const {
  return count() == 0 ? 0.0 : static_cast<double>(hits(threshold)) / static_cast<double>(count());
}

double MaskMetrics::mean_iou() const {
  double sum = 0;
  for (const auto& [index, overlap] : overlaps_) sum += mask_iou(overlap);
  return count() == 0 ? 0.0 : sum / static_cast<double>(count());
}

double MaskMetrics::overall_iou() const {
  MaskOverlap all;
  for (const auto& [index, overlap] : overlaps_) {
    all.intersection += overlap.intersection;
    all.united += overlap.united;
  }
  if (all.united == 0) return count() == 0 ? 0.0 : 1.0;
  return static_cast<double>(all.intersection) / static_cast<double>(all.united);
}

}  // namespace referent::metrics
