// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/frozen_batch_norm.h"

namespace referent::nn {

FrozenBatchNorm2dImpl::FrozenBatchNorm2dImpl(std::int64_t channels) {
  weight_ = register_buffer("weight", torch::ones({channels}));
  bias_ = register_buffer("bias", torch::zeros({channels}));
  running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
  running_var_ = register_buffer("running_var", torch::ones({channels}));
}

torch::Tensor FrozenBatchNorm2dImpl::forward(const torch::Tensor& x) {
  return torch::batch_norm(x, weight_, bias_, running_mean_, running_var_, /*training=*/false,
                           /*momentum=*/0.0, /*eps=*/1e-5, /*cudnn_enabled=*/true);
}

}  // namespace referent::nn
