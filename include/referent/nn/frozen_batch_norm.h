// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>

namespace referent::nn {

/// Batch normalisation whose statistics and affine parameters never change: four buffers (weight,
/// bias, running_mean, running_var) and eps 1e-5.
class FrozenBatchNorm2dImpl : public torch::nn::Module {
 public:
  explicit FrozenBatchNorm2dImpl(std::int64_t channels);

  torch::Tensor forward(const torch::Tensor& x);  // [B, C, H, W] -> [B, C, H, W]

  /// y = scale() x + shift(), a channel at a time: [C] each.
  torch::Tensor scale() const;
  torch::Tensor shift() const;

  /// The weight [C, ...] of a layer before this one that gives scale() times its output.
  torch::Tensor scaled(const torch::Tensor& weight) const;

  /// relu(scale() layer(x) + shift + sum), within the convolution, whose weights are scaled, or in
  /// one pass after it; for the backward pass nothing is kept but input, scaled weights and result.
  /// `layer` has no bias; `sum` [B, C, H, W] may be undefined. On a GPU in autocast's type where
  /// that is on; on the CPU in x's, where what is not a number stays so.
  torch::Tensor relu_of_convolution(torch::nn::Conv2dImpl& layer, const torch::Tensor& x,
                                    const torch::Tensor& shift, const torch::Tensor& sum) const;

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
  torch::Tensor running_mean_;
  torch::Tensor running_var_;
};
TORCH_MODULE(FrozenBatchNorm2d);

}  // namespace referent::nn
