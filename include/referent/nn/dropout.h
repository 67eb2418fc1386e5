// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace referent::nn {

/// x with every element zeroed with probability `rate` in [0, 1) and the others divided by
/// 1 - rate (Srivastava et al. 2014); x itself where `training` is false or the rate is 0.
///
/// On the CPU in float32 and float64 what is zeroed depends on one draw from the default generator
/// and an element's place alone, whatever the threads, and is computed again for the backward pass.
/// Elsewhere it is torch::dropout.
torch::Tensor dropout(const torch::Tensor& x, double rate, bool training);

/// What dropout() zeroes, as a function of a number: the same zeros for the same seed and shape.
class DropoutMask {
 public:
  /// Draws from the CPU's default generator.
  static DropoutMask draw(double rate);

  DropoutMask(double rate, std::uint64_t seed) : rate_(rate), seed_(seed) {}

  /// x [any shape], float32 or float64 on the CPU, with zeros.
  torch::Tensor apply(const torch::Tensor& x) const;

  double rate() const { return rate_; }
  std::uint64_t seed() const { return seed_; }

 private:
  double rate_;
  std::uint64_t seed_;
};

}  // namespace referent::nn
