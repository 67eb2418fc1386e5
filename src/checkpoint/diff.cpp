// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/diff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "referent/checkpoint/state_dict.h"
#include "referent/formats/numbers.h"

namespace referent::checkpoint {
namespace {

using Json = nlohmann::ordered_json;

bool same_bytes(const formats::Tensor& a, const formats::Tensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes);
}

double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double difference = std::abs(a - b);
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

/// Nothing where they are the same.
std::optional<TensorDifference> difference_of(const std::string& name, const formats::Tensor& a,
                                              const formats::Tensor& b, double tolerance) {
  if (same_bytes(a, b)) return std::nullopt;
  TensorDifference result{name, a.dtype, b.dtype, a.shape, b.shape, 0, std::nullopt};
  if (a.shape != b.shape) return result;
  const std::vector<double> values_a = formats::to_doubles(a);
  const std::vector<double> values_b = formats::to_doubles(b);
  double largest = 0;
  for (std::size_t i = 0; i < values_a.size(); ++i) {
    const double difference = distance(values_a[i], values_b[i]);
    result.elements += difference > tolerance ? 1 : 0;
    largest = std::max(largest, difference);
  }
  if (result.elements == 0 && a.dtype == b.dtype) return std::nullopt;
  result.largest = largest;
  return result;
}

std::string describe(const TensorDifference& item) {
  std::string what = item.name + ": ";
  if (item.dtype_a != item.dtype_b) {
    what += fmt::format("{} and {}, ", formats::dtype_name(item.dtype_a),
                        formats::dtype_name(item.dtype_b));
  }
  if (!item.largest) {
    return what + fmt::format("shapes {} and {}", formats::describe_shape(item.shape_a),
                              formats::describe_shape(item.shape_b));
  }
  std::int64_t count = 1;
  for (const std::int64_t extent : item.shape_a) count *= extent;
  return what + fmt::format("{} of {} elements differ, by at most {:.3g}", item.elements, count,
                            *item.largest);
}

void append_list(std::string& text, const char* title, const std::vector<std::string>& lines,
                 std::size_t limit) {
  if (lines.empty()) return;
  text += fmt::format("{}:\n", title);
  for (std::size_t i = 0; i < std::min(limit, lines.size()); ++i) {
    text += fmt::format("  {}\n", lines[i]);
  }
  if (lines.size() > limit) text += fmt::format("  ... and {} more\n", lines.size() - limit);
}

Json largest_json(const std::optional<double>& largest) {
  if (!largest) return nullptr;
  return std::isfinite(*largest) ? Json(*largest) : Json("inf");
}

}  // namespace

Diff diff(const Path& a, const Path& b, double tolerance) {
  const StateDict state_a = read_state_dict(a);
  const StateDict state_b = read_state_dict(b);
  Diff result;
  result.a = a.string();
  result.b = b.string();
  for (const auto& [name, tensor] : state_a.tensors) {
    const auto other = state_b.tensors.find(name);
    if (other == state_b.tensors.end()) {
      result.only_a.push_back(name);
    } else if (auto difference = difference_of(name, tensor, other->second, tolerance)) {
      result.different.push_back(std::move(*difference));
    } else {
      ++result.same;
    }
  }
  for (const auto& [name, tensor] : state_b.tensors) {
    if (!state_a.tensors.contains(name)) result.only_b.push_back(name);
  }
  return result;
}

std::string text(const Diff& diff, std::size_t limit) {
  std::string result = fmt::format(
      "{} tensors are the same, {} differ, {} are only in {}, {} only in {}\n", diff.same,
      diff.different.size(), diff.only_a.size(), diff.a, diff.only_b.size(), diff.b);
  std::vector<TensorDifference> different = diff.different;
  std::ranges::stable_sort(different, std::greater(), [](const TensorDifference& item) {
    return item.largest.value_or(std::numeric_limits<double>::infinity());
  });
  std::vector<std::string> lines;
  lines.reserve(different.size());
  for (const TensorDifference& item : different) lines.push_back(describe(item));
  append_list(result, "different", lines, limit);
  append_list(result, fmt::format("only in {}", diff.a).c_str(), diff.only_a, limit);
  append_list(result, fmt::format("only in {}", diff.b).c_str(), diff.only_b, limit);
  return result;
}

std::string json(const Diff& diff) {
  Json document{{"schema_version", 1},   {"a", diff.a},
                {"b", diff.b},           {"equal", diff.equal()},
                {"same", diff.same},     {"only_a", diff.only_a},
                {"only_b", diff.only_b}, {"different", Json::array()}};
  for (const TensorDifference& item : diff.different) {
    document["different"].push_back({{"name", item.name},
                                     {"dtype_a", formats::dtype_name(item.dtype_a)},
                                     {"dtype_b", formats::dtype_name(item.dtype_b)},
                                     {"shape_a", item.shape_a},
                                     {"shape_b", item.shape_b},
                                     {"elements", item.elements},
                                     {"max_difference", largest_json(item.largest)}});
  }
  return document.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace referent::checkpoint
