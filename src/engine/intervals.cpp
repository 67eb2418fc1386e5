// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/intervals.h"

#include <unordered_map>

namespace referent::engine {
namespace {

/// A measure of some of the samples and the pictures that these are about.
struct Measured {
  std::vector<double> hits;  ///< 0 or 1
  std::vector<double> ious;
  std::vector<std::int64_t> groups;
};

void add(Intervals& intervals, const std::string& prefix, const Measured& measured) {
  if (measured.ious.empty()) return;
  const auto interval = [&](const std::vector<double>& values) {
    return metrics::middle_interval(metrics::resampled_means(values, measured.groups));
  };
  intervals.emplace_back(prefix + "prec@0.5", interval(measured.hits));
  intervals.emplace_back(prefix + "mean_iou", interval(measured.ious));
}

/// Numbers keys by first appearance.
class Numbering {
 public:
  std::int64_t operator()(const std::string& key) {
    return numbers_.try_emplace(key, static_cast<std::int64_t>(numbers_.size())).first->second;
  }

 private:
  std::unordered_map<std::string, std::int64_t> numbers_;
};

}  // namespace

std::vector<std::int64_t> picture_groups(const Evaluation& evaluation) {
  Numbering number;
  std::vector<std::int64_t> groups;
  groups.reserve(evaluation.results.size());
  for (const SampleResult& result : evaluation.results) {
    groups.push_back(number(result.image.string()));
  }
  return groups;
}

Intervals intervals(const Evaluation& evaluation) {
  Measured boxes;
  boxes.groups = picture_groups(evaluation);
  Measured masks;
  Numbering number;  // pictures without an annotated mask are no groups of these
  for (const SampleResult& result : evaluation.results) {
    boxes.ious.push_back(result.iou);
    boxes.hits.push_back(result.iou >= 0.5F ? 1 : 0);
    if (!result.mask_iou) continue;
    masks.groups.push_back(number(result.image.string()));
    masks.ious.push_back(*result.mask_iou);
    masks.hits.push_back(*result.mask_iou > 0.5F ? 1 : 0);
  }
  Intervals result;
  add(result, "", boxes);
  add(result, "mask_", masks);
  return result;
}

}  // namespace referent::engine
