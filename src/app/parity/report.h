// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

namespace referent::app {

/// |value - expected| <= absolute + relative * scale, for every element.
struct Tolerance {
  double absolute = 0;
  double relative = 0;
};

/// One comparison of a case.
struct Comparison {
  std::string name;
  double absolute_error = 0;
  double relative_error = 0;  ///< absolute_error over the golden's largest magnitude
  bool passed = false;
  std::string note;  ///< why it failed: the first bad element, shapes, missing
};

/// What a golden case came to.
class CaseReport {
 public:
  explicit CaseReport(std::string name) : name_(std::move(name)) {}

  /// Compares flat sequences; `scale` is the golden's largest magnitude (by default of `expected`).
  void compare(const std::string& output, const torch::Tensor& value, const torch::Tensor& expected,
               Tolerance tolerance, std::optional<double> scale = std::nullopt);
  void compare(const std::string& output, double value, double expected, Tolerance tolerance);

  /// Something that is equal or not.
  void check(const std::string& output, bool passed, const std::string& note_when_failed);

  /// Ends the case as skipped.
  void skip(std::string reason) { skip_reason_ = std::move(reason); }

  const std::string& name() const { return name_; }
  const std::vector<Comparison>& comparisons() const { return comparisons_; }
  const std::optional<std::string>& skip_reason() const { return skip_reason_; }
  bool skipped() const { return skip_reason_.has_value(); }
  bool passed() const;

 private:
  std::string name_;
  std::vector<Comparison> comparisons_;
  std::optional<std::string> skip_reason_;
};

}  // namespace referent::app
