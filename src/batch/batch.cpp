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

Batch Batch::part(std::int64_t begin, std::int64_t end) const {
  const auto cut = [&](const Tensor& tensor) {
    return tensor.defined() ? tensor.slice(0, begin, end) : tensor;
  };
  Batch batch{cut(images), cut(image_padding), cut(tokens),  cut(token_padding),
              cut(boxes),  cut(masks),         cut(has_mask)};
  if (batch.has_mask.defined() && !batch.has_mask.any().item<bool>()) {
    batch.masks = Tensor();
    batch.has_mask = Tensor();
  }
  return batch;
}

}  // namespace referent
