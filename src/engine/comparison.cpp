// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/comparison.h"

#include <algorithm>
#include <map>
#include <utility>

#include "referent/core/error.h"
#include "referent/engine/intervals.h"

namespace referent::engine {
namespace {

using Key = std::pair<std::string, std::string>;  ///< id and expression

DataError unpaired(const Evaluation& evaluation, const Key& key, std::size_t a, std::size_t b) {
  return DataError(
      "{}: the results to compare are not of the same samples ({} and {}): only one has id {} "
      "(\"{}\")",
      evaluation.title(), a, b, key.first, key.second);
}

/// For every sample of `a`, the place of its partner in `b`.
std::vector<std::size_t> partners(const Evaluation& a, const Evaluation& b) {
  std::map<Key, std::vector<std::size_t>> places;
  for (std::size_t i = b.results.size(); i-- > 0;) {  // the first one last, to be taken first
    places[{b.results[i].id, b.results[i].expression}].push_back(i);
  }
  const auto error = [&](const Key& key) {
    return unpaired(a, key, a.results.size(), b.results.size());
  };
  std::vector<std::size_t> result;
  for (const SampleResult& sample : a.results) {
    const Key key{sample.id, sample.expression};
    const auto found = places.find(key);
    if (found == places.end() || found->second.empty()) throw error(key);
    result.push_back(found->second.back());
    found->second.pop_back();
  }
  for (const auto& [key, left] : places) {
    if (!left.empty()) throw error(key);
  }
  return result;
}

const Evaluation& partner_of(const Evaluation& a, std::span<const Evaluation> others) {
  const auto found = std::ranges::find_if(
      others, [&](const Evaluation& b) { return a.dataset == b.dataset && a.split == b.split; });
  if (found == others.end()) {
    throw DataError("{}: only one of the results to compare has this data set", a.title());
  }
  return *found;
}

}  // namespace

Comparison compare(const Evaluation& a, const Evaluation& b) {
  Comparison result;
  result.dataset = a.dataset;
  result.split = a.split;
  result.samples = a.metrics.count();
  result.precision_a = a.metrics.precision(0.5F);
  result.precision_b = b.metrics.precision(0.5F);
  result.mean_iou_a = a.metrics.mean_iou();
  result.mean_iou_b = b.metrics.mean_iou();
  const std::vector<std::size_t> places = partners(a, b);
  std::vector<double> hits;
  std::vector<double> ious;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const float iou_a = a.results[i].iou;
    const float iou_b = b.results[places[i]].iou;
    const bool hit_a = iou_a >= 0.5F;
    const bool hit_b = iou_b >= 0.5F;
    result.both += hit_a && hit_b ? 1 : 0;
    result.only_a += hit_a && !hit_b ? 1 : 0;
    result.only_b += !hit_a && hit_b ? 1 : 0;
    hits.push_back(static_cast<double>(hit_b) - static_cast<double>(hit_a));
    ious.push_back(static_cast<double>(iou_b) - static_cast<double>(iou_a));
  }
  if (places.empty()) return result;
  const std::vector<std::int64_t> pictures = picture_groups(a);
  result.precision_p = metrics::mcnemar_p(result.only_a, result.only_b);
  result.precision_difference = metrics::middle_interval(metrics::resampled_means(hits, pictures));
  const std::vector<double> means = metrics::resampled_means(ious, pictures);
  result.mean_iou_p = metrics::sign_p(means);
  result.mean_iou_difference = metrics::middle_interval(means);
  return result;
}

std::vector<Comparison> compare(std::span<const Evaluation> a, std::span<const Evaluation> b) {
  if (a.size() == 1 && b.size() == 1) return {compare(a[0], b[0])};
  std::vector<Comparison> result;
  for (const Evaluation& evaluation : b) partner_of(evaluation, a);
  for (const Evaluation& evaluation : a)
    result.push_back(compare(evaluation, partner_of(evaluation, b)));
  return result;
}

}  // namespace referent::engine
