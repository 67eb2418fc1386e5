// SPDX-License-Identifier: Apache-2.0
#include "referent/metrics/grounding_metrics.h"

#include <algorithm>

#include "referent/core/error.h"

namespace referent::metrics {

void GroundingMetrics::add(std::int64_t index, float iou) {
  REFERENT_CHECK(iou >= 0 && iou <= 1, "sample {} has an IoU of {}", index, iou);
  const bool added = ious_.emplace(index, iou).second;
  REFERENT_CHECK(added, "sample {} was counted before", index);
}

void GroundingMetrics::merge(const GroundingMetrics& part) {
  for (const auto& [index, iou] : part.ious_) add(index, iou);
}

std::int64_t GroundingMetrics::hits(float threshold) const {
  return std::count_if(ious_.begin(), ious_.end(),
                       [threshold](const auto& sample) { return sample.second >= threshold; });
}

double GroundingMetrics::precision(float threshold) const {
  return count() == 0 ? 0.0 : static_cast<double>(hits(threshold)) / static_cast<double>(count());
}

double GroundingMetrics::mean_iou() const {
  double sum = 0;
  for (const auto& [index, iou] : ious_) sum += iou;
  return count() == 0 ? 0.0 : sum / static_cast<double>(count());
}

}  // namespace referent::metrics
