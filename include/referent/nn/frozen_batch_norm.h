// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn.h>

namespace referent::nn {

/// Batch normalisation whose statistics and affine parameters never change: four buffers (weight,
/// bias, running_mean, running_var) and eps 1e-5.
class FrozenBatchNorm2dImpl : public torch::nn::Module {
 public:
  explicit FrozenBatchNorm2dImpl(std::int64_t channels);

  torch::Tensor forward(const torch::Tensor& x);  // [B, C, H, W] -> [B, C, H, W]

  /// forward(layer(x)) in one pass over the output: a convolution whose weights are scaled. `layer`
  /// has no bias.
  torch::Tensor of_convolution(torch::nn::Conv2dImpl& layer, const torch::Tensor& x);

 private:
  torch::Tensor weight_;
  torch::Tensor bias_;
  torch::Tensor running_mean_;
  torch::Tensor running_var_;
};
TORCH_MODULE(FrozenBatchNorm2d);

}  // namespace referent::nn
