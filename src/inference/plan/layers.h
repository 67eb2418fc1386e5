// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "gpu_kernels.h"
#include "weights.h"

namespace referent::inference {

/// Where and in which numbers a plan computes.
struct Target {
  torch::Device device = torch::kCPU;
  torch::ScalarType dtype = torch::kFloat32;

  /// A row-major copy of `tensor` there.
  torch::Tensor place(const torch::Tensor& tensor) const;
};

enum class Activation { kNone, kRelu, kGelu };

/// y = activation(x W^T + b) with W laid out for the device's matrix product.
class FrozenLinear {
 public:
  /// weight [M, K]; bias [M] or undefined.
  FrozenLinear(const torch::Tensor& weight, const torch::Tensor& bias, const Target& target,
               Activation activation = Activation::kNone);
  /// "weight" [output, input] and "bias" of `weights`.
  FrozenLinear(const Weights& weights, std::int64_t input, std::int64_t output,
               const Target& target, Activation activation = Activation::kNone);

  /// x [..., K] -> [..., M].
  torch::Tensor operator()(const torch::Tensor& x) const;
  /// x W^T + b + other, without activation; other [..., M].
  torch::Tensor plus(const torch::Tensor& x, const torch::Tensor& other) const;

 private:
  Activation activation_;
  std::int64_t output_;
  bool packed_;
  torch::Tensor weight_;
  torch::Tensor bias_;
};

/// y = activation(x * W + b) with W laid out for the device's convolution; maps are channels-last.
/// On a CPU 3x3 convolutions in float32 go by Winograd's algorithm where it has less to do.
class FrozenConvolution {
 public:
  struct Options {
    std::int64_t side;  ///< of the maps that come in, for which the weight is laid out
    std::int64_t stride = 1;
    std::int64_t padding = 0;
    std::int64_t dilation = 1;
    bool relu = false;
  };

  /// weight [M, C, k, k]; bias [M] or undefined.
  FrozenConvolution(const torch::Tensor& weight, const torch::Tensor& bias, const Options& options,
                    const Target& target);

  /// x [B, C, H, W] -> [B, M, H', W'].
  torch::Tensor operator()(const torch::Tensor& x) const;
  /// The same with `sum` added before the activation; `sum` is overwritten and returned.
  torch::Tensor onto(const torch::Tensor& sum, const torch::Tensor& x) const;

 private:
  torch::Tensor run(const torch::Tensor& x) const;

  /// Who computes it, of a weight in its layout; kWinogradFromPlain packs the weight at each use.
  enum class Method { kLibTorch, kOneDnn, kWinograd, kWinogradFromPlain };

  static Method choose(const torch::Tensor& weight, const Options& options, const Target& target);

  Options options_;
  std::int64_t per_output_;  ///< operations for each number of the output, of the plain sum
  Method method_;
  torch::Tensor weight_;
  torch::Tensor bias_;
};

/// Layer norm over the last dimension.
class FrozenLayerNorm {
 public:
  FrozenLayerNorm(const Weights& weights, std::int64_t width, double epsilon, const Target& target);

  torch::Tensor operator()(const torch::Tensor& x) const;
  /// The norm of layer(x) + other.
  torch::Tensor of_sum(const FrozenLinear& layer, const torch::Tensor& x,
                       const torch::Tensor& other) const;
  /// Both the sum, as .sum, and its norm.
  SumAndNorm sum_and_norm(const FrozenLinear& layer, const torch::Tensor& x,
                          const torch::Tensor& other) const;

 private:
  double epsilon_;
  torch::Tensor weight_;
  torch::Tensor bias_;
};

}  // namespace referent::inference
