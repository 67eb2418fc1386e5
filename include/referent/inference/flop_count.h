// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace referent::inference {

/// Counts the arithmetic of convolutions, linear layers and attention that plans do on this thread
/// while it lives, two operations to a multiplication with its addition. What is left out is below
/// one percent: norms, activations, sums, the cores of updates. Counts nest: the inner one counts.
class FlopCount {
 public:
  FlopCount();
  FlopCount(const FlopCount&) = delete;
  FlopCount& operator=(const FlopCount&) = delete;
  ~FlopCount();

  std::int64_t total() const { return total_; }

  /// Called by whatever computes.
  static void add(std::int64_t operations);

 private:
  std::int64_t total_ = 0;
  FlopCount* outer_;
};

}  // namespace referent::inference
