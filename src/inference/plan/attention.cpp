// SPDX-License-Identifier: Apache-2.0
#include "attention.h"

#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros_like.h>

#include <limits>
#include <optional>

#include "referent/inference/flop_count.h"
#include "referent/nn/attention.h"

namespace referent::inference {

using torch::Tensor;

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                 std::int64_t heads) {
  FlopCount::add(2 * q.numel() * k.size(1) + 2 * q.size(0) * q.size(1) * v.size(1) * v.size(2));
  const auto split = [&](const Tensor& x) {
    return nn::aligned_rows(x).unflatten(2, {heads, -1}).transpose(1, 2);
  };
  const std::optional<Tensor> attention_mask =
      mask.defined() ? std::optional<Tensor>(mask) : std::nullopt;
  return at::scaled_dot_product_attention(split(q), split(k), split(v), attention_mask)
      .transpose(1, 2)
      .flatten(2);
}

Tensor key_mask(const Tensor& keep, torch::ScalarType dtype) {
  Tensor mask = keep.unsqueeze(1).unsqueeze(1);
  if (!keep.is_cuda()) return mask;
  return at::zeros_like(mask, mask.options().dtype(dtype))
      .masked_fill_(mask.logical_not(), -std::numeric_limits<double>::infinity());
}

}  // namespace referent::inference
