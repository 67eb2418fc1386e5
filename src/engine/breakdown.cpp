// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/breakdown.h"

#include <array>
#include <optional>
#include <span>

#include "referent/data/words.h"

namespace referent::engine {
namespace {

/// A group and where the next one begins.
struct Range {
  const char* name;
  double end;
};

constexpr double kEndless = 1e300;
constexpr std::array kWords{Range{"1-2", 3}, Range{"3-5", 6}, Range{"6-10", 11},
                            Range{"11 and more", kEndless}};
constexpr std::array kShares{Range{"below 1 %", 0.01}, Range{"1 to 5 %", 0.05},
                             Range{"5 to 20 %", 0.2}, Range{"from 20 %", kEndless}};
constexpr std::array kSpatial{Range{"without", 1}, Range{"with", kEndless}};
constexpr std::array kSameClass{Range{"1", 2}, Range{"2", 3}, Range{"3-5", 6},
                                Range{"6 and more", kEndless}};

double count_words(const std::string& expression) {
  bool inside = false;
  int words = 0;
  for (const char c : expression) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    words += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return words;
}

std::optional<double> box_share(const SampleResult& result) {
  const double picture = static_cast<double>(result.width) * static_cast<double>(result.height);
  if (picture <= 0) return std::nullopt;
  return result.target.width() * result.target.height() / picture;
}

std::optional<double> same_class(const SampleResult& result) {
  if (result.same_class <= 0) return std::nullopt;
  return static_cast<double>(result.same_class);
}

template <typename Property>
Breakdown by_property(const Evaluation& evaluation, std::string by, std::string title,
                      std::span<const Range> ranges, Property property) {
  std::vector<metrics::GroundingMetrics> parts(ranges.size());
  for (std::size_t i = 0; i < evaluation.results.size(); ++i) {
    const SampleResult& result = evaluation.results[i];
    const std::optional<double> value = property(result);
    if (!value) continue;
    std::size_t k = 0;
    while (*value >= ranges[k].end) ++k;
    parts[k].add(static_cast<std::int64_t>(i), result.iou);
  }
  Breakdown breakdown{std::move(by), std::move(title), {}};
  for (std::size_t k = 0; k < ranges.size(); ++k) {
    if (parts[k].count() == 0) continue;
    breakdown.rows.push_back(
        {ranges[k].name, parts[k].count(), parts[k].precision(0.5F), parts[k].mean_iou()});
  }
  return breakdown;
}

}  // namespace

std::vector<Breakdown> breakdowns(const Evaluation& evaluation) {
  std::vector<Breakdown> result{
      by_property(evaluation, "words", "words of the expression", kWords,
                  [](const SampleResult& sample) -> std::optional<double> {
                    return count_words(sample.expression);
                  }),
      by_property(evaluation, "box_share", "box, share of the picture", kShares, box_share),
      by_property(evaluation, "spatial_words", "words that say where", kSpatial,
                  [](const SampleResult& sample) -> std::optional<double> {
                    return data::has_spatial_word(sample.expression) ? 1 : 0;
                  }),
      by_property(evaluation, "same_class", "objects of its class", kSameClass, same_class)};
  std::erase_if(result, [](const Breakdown& breakdown) { return breakdown.rows.empty(); });
  return result;
}

}  // namespace referent::engine
