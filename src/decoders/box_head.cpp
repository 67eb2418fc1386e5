// SPDX-License-Identifier: Apache-2.0
#include "referent/decoders/box_head.h"

#include "referent/batch/probe.h"

namespace referent::decoders {

BoxHeadImpl::BoxHeadImpl(const BoxHeadConfig& config, std::int64_t width)
    : MlpImpl(width, config.hidden.value_or(width), 4, config.layers) {}

torch::Tensor BoxHeadImpl::forward(const torch::Tensor& features) {
  const torch::Tensor logits = MlpImpl::forward(features);
  probe("box_head.logits", logits);
  return logits.sigmoid();
}

}  // namespace referent::decoders
