// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/frozen_batch_norm.h"

namespace referent::nn {
namespace {

constexpr double kEpsilon = 1e-5;

}  // namespace

FrozenBatchNorm2dImpl::FrozenBatchNorm2dImpl(std::int64_t channels) {
  weight_ = register_buffer("weight", torch::ones({channels}));
  bias_ = register_buffer("bias", torch::zeros({channels}));
  running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
  running_var_ = register_buffer("running_var", torch::ones({channels}));
}

torch::Tensor FrozenBatchNorm2dImpl::forward(const torch::Tensor& x) {
  return torch::batch_norm(x, weight_, bias_, running_mean_, running_var_, /*training=*/false,
                           /*momentum=*/0.0, kEpsilon, /*cudnn_enabled=*/true);
}

torch::Tensor FrozenBatchNorm2dImpl::of_convolution(torch::nn::Conv2dImpl& layer,
                                                    const torch::Tensor& x) {
  const torch::Tensor scale = weight_ * torch::rsqrt(running_var_ + kEpsilon);
  const torch::Tensor shift = bias_ - running_mean_ * scale;
  const auto& options = layer.options;
  return torch::conv2d(x, layer.weight * scale.view({-1, 1, 1, 1}), shift, options.stride(),
                       std::get<torch::ExpandingArray<2>>(options.padding()), options.dilation());
}

}  // namespace referent::nn
