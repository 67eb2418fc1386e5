// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace referent::app {

using torch::Tensor;

void CaseReport::compare(const std::string& output, const Tensor& value, const Tensor& expected,
                         Tolerance tolerance, std::optional<double> scale) {
  const Tensor got = value.detach().to(torch::kFloat64).flatten();
  const Tensor want = expected.to(torch::kFloat64).flatten();
  if (got.numel() != want.numel()) {
    check(output, false,
          fmt::format("expected {} elements, got shape [{}]", want.numel(),
                      fmt::join(value.sizes(), ", ")));
    return;
  }
  Comparison result{output, 0, 0, true, {}};
  if (got.numel() > 0) {
    const double magnitude = scale ? *scale : want.abs().max().item<double>();
    const double allowed = tolerance.absolute + tolerance.relative * magnitude;
    const Tensor difference = (got - want).abs();
    const auto worst = difference.argmax().item<std::int64_t>();
    result.absolute_error = difference[worst].item<double>();
    result.relative_error = magnitude > 0 ? result.absolute_error / magnitude : 0;
    // A NaN on either side fails this comparison too.
    result.passed = difference.le(allowed).all().item<bool>();
    if (!result.passed) {
      result.note = fmt::format("element {}: expected {:.9g}, got {:.9g}, allowed {:.2e}", worst,
                                want[worst].item<double>(), got[worst].item<double>(), allowed);
    }
  }
  comparisons_.push_back(std::move(result));
}

void CaseReport::compare(const std::string& output, double value, double expected,
                         Tolerance tolerance) {
  compare(output, torch::tensor(value, torch::kFloat64), torch::tensor(expected, torch::kFloat64),
          tolerance);
}

void CaseReport::check(const std::string& output, bool passed,
                       const std::string& note_when_failed) {
  comparisons_.push_back({output, 0, 0, passed, passed ? std::string() : note_when_failed});
}

bool CaseReport::passed() const {
  return !comparisons_.empty() && std::all_of(comparisons_.begin(), comparisons_.end(),
                                              [](const Comparison& c) { return c.passed; });
}

}  // namespace referent::app
