// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/decoders/config.h"
#include "referent/nn/mlp.h"

namespace referent::decoders {

/// [B, D] to a box: an MLP whose four logits go through a sigmoid.
class BoxHeadImpl : public nn::MlpImpl {
 public:
  BoxHeadImpl(const BoxHeadConfig& config, std::int64_t width);

  /// Returns [B, 4]: cx, cy, w, h over the square, 0..1.
  torch::Tensor forward(const torch::Tensor& features);
};
TORCH_MODULE(BoxHead);

}  // namespace referent::decoders
