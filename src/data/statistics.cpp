// SPDX-License-Identifier: Apache-2.0
#include "referent/data/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "referent/data/words.h"
#include "table.h"

namespace referent::data {
namespace {

using Json = nlohmann::ordered_json;

/// COCO's bounds of small and medium objects [pixels^2].
constexpr double kSmall = 32.0 * 32.0;
constexpr double kMedium = 96.0 * 96.0;

/// The words between spaces, in lower case.
std::vector<std::string> words_of(const std::string& expression) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : expression + ' ') {
    if (std::string_view(" \t\r\n\f\v").find(c) == std::string_view::npos) {
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

/// One split while its entries go by.
class Gatherer {
 public:
  explicit Gatherer(const Annotations& annotations, const std::string& split) {
    result_.dataset = annotations.name;
    result_.split = split;
  }

  void add(const Entry& entry) {
    ++result_.counts.expressions;
    ++images_[entry.image];
    const auto words = words_of(entry.expression);
    lengths_.push_back(static_cast<double>(words.size()));
    distinct_.insert(words.begin(), words.end());
    if (has_spatial_word(entry.expression)) ++result_.spatial;
    if (referents_.insert(referent_key(entry)).second) add_referent(entry);
  }

  SplitStatistics finish() {
    result_.counts.images = static_cast<std::int64_t>(images_.size());
    result_.counts.referents = static_cast<std::int64_t>(referents_.size());
    result_.distinct_words = static_cast<std::int64_t>(distinct_.size());
    std::vector<double> per_image;
    per_image.reserve(images_.size());
    for (const auto& [image, count] : images_) per_image.push_back(static_cast<double>(count));
    result_.words = distribution_of(std::move(lengths_));
    result_.image_expressions = distribution_of(std::move(per_image));
    result_.box_side = distribution_of(std::move(sides_));
    result_.box_share = distribution_of(std::move(shares_));
    result_.same_class = distribution_of(std::move(same_class_));
    return std::move(result_);
  }

 private:
  void add_referent(const Entry& entry) {
    const Referent& referent = *entry.referent;
    if (referent.same_class > 0) same_class_.push_back(static_cast<double>(referent.same_class));
    if (!entry.box) return;
    const image::Box box = entry.box->box();
    const double area = box.width() * box.height();
    if (!std::isfinite(area) || area < 0) return;
    ++(area < kSmall ? result_.small : area < kMedium ? result_.medium : result_.large);
    sides_.push_back(std::sqrt(area));
    const double whole = static_cast<double>(referent.width) * static_cast<double>(referent.height);
    if (whole > 0) shares_.push_back(area / whole);
  }

  SplitStatistics result_;
  std::unordered_map<std::string, std::int64_t> images_;
  std::unordered_set<std::string> referents_;
  std::unordered_set<std::string> distinct_;
  std::vector<double> lengths_;
  std::vector<double> sides_;
  std::vector<double> shares_;
  std::vector<double> same_class_;
};

Json distribution_json(const Distribution& d) {
  if (d.count == 0) return nullptr;
  return {{"count", d.count},   {"mean", d.mean},         {"min", d.minimum},
          {"median", d.median}, {"p95", d.percentile_95}, {"max", d.maximum}};
}

std::string share_of(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? fmt::format("{:.1f} %",
                                 100.0 * static_cast<double>(part) / static_cast<double>(whole))
                   : "-";
}

/// "mean 3.62, median 3, 95 % up to 8, longest 23".
std::string distribution_text(const Distribution& d, int digits) {
  if (d.count == 0) return "not known";
  return fmt::format("mean {:.{}f}, median {:.{}f}, 95 % up to {:.{}f}, {:.{}f} to {:.{}f}", d.mean,
                     digits + 1, d.median, digits, d.percentile_95, digits, d.minimum, digits,
                     d.maximum, digits);
}

std::string split_text(const SplitStatistics& s) {
  const std::int64_t sized = s.small + s.medium + s.large;
  std::vector<std::vector<std::string>> rows{
      {"  expressions", grouped(s.counts.expressions)},
      {"  images", grouped(s.counts.images)},
      {"  referents", grouped(s.counts.referents)},
      {"  expressions of an image", distribution_text(s.image_expressions, 0)},
      {"  words of an expression", distribution_text(s.words, 0)},
      {"  distinct words", grouped(s.distinct_words)},
      {"  with a spatial word", share_of(s.spatial, s.counts.expressions)},
      {"  side of a box [pixels]", distribution_text(s.box_side, 0)},
      {"  share of the image", distribution_text(s.box_share, 3)},
      {"  small, medium, large", fmt::format("{}, {}, {}", share_of(s.small, sized),
                                             share_of(s.medium, sized), share_of(s.large, sized))},
      {"  objects of its class", distribution_text(s.same_class, 0)}};
  return fmt::format("{}{}{}\n{}", s.dataset, s.split.empty() ? "" : " ", s.split,
                     format_table(rows, 2));
}

}  // namespace

Distribution distribution_of(std::vector<double> values) {
  Distribution result;
  if (values.empty()) return result;
  std::sort(values.begin(), values.end());
  const auto at_rank = [&](double share) {
    const auto rank = std::ceil(share * static_cast<double>(values.size()));
    return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
  };
  result.count = static_cast<std::int64_t>(values.size());
  result.mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  result.minimum = values.front();
  result.median = at_rank(0.5);
  result.percentile_95 = at_rank(0.95);
  result.maximum = values.back();
  return result;
}

std::vector<SplitStatistics> statistics_of(const Annotations& annotations) {
  std::vector<std::string> order;
  std::unordered_map<std::string, Gatherer> gatherers;
  for (const Entry& entry : annotations.entries) {
    if (!entry.fault.empty()) continue;
    const auto [found, is_new] = gatherers.try_emplace(entry.split, annotations, entry.split);
    if (is_new) order.push_back(entry.split);
    found->second.add(entry);
  }
  std::vector<SplitStatistics> result;
  result.reserve(order.size());
  for (const std::string& split : order) result.push_back(gatherers.at(split).finish());
  return result;
}

std::string statistics_table(const std::vector<SplitStatistics>& splits) {
  std::string text;
  for (const SplitStatistics& split : splits) text += split_text(split);
  return text;
}

std::string statistics_json(const std::vector<SplitStatistics>& splits) {
  Json rows = Json::array();
  for (const SplitStatistics& s : splits) {
    rows.push_back({{"dataset", s.dataset},
                    {"split", s.split},
                    {"expressions", s.counts.expressions},
                    {"images", s.counts.images},
                    {"referents", s.counts.referents},
                    {"distinct_words", s.distinct_words},
                    {"words", distribution_json(s.words)},
                    {"image_expressions", distribution_json(s.image_expressions)},
                    {"spatial", s.spatial},
                    {"box_side", distribution_json(s.box_side)},
                    {"box_share", distribution_json(s.box_share)},
                    {"small", s.small},
                    {"medium", s.medium},
                    {"large", s.large},
                    {"same_class", distribution_json(s.same_class)}});
  }
  const Json document{{"schema_version", 1}, {"splits", std::move(rows)}};
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace referent::data
