// SPDX-License-Identifier: Apache-2.0
#include "referent/batch/batch.h"

namespace referent {

Batch Batch::to(const torch::Device& device) const {
  const auto move = [&](const Tensor& tensor) {
    return tensor.defined() ? tensor.to(device, /*non_blocking=*/true) : tensor;
  };
  return {move(images), move(image_padding), move(tokens),  move(token_padding),
          move(boxes),  move(masks),         move(has_mask)};
}

}  // namespace referent
