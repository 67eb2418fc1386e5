// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace referent::inference {

/// Scaled dot-product attention over heads: q [B, Nq, D], k and v [B, Nk, D], any strides whose
/// last is 1; `mask` broadcasts to [B, heads, Nq, Nk], bool (true = attend) or added to the scores,
/// or is undefined. Returns [B, Nq, D].
torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const torch::Tensor& mask, std::int64_t heads);

/// `mask` for attention() out of `keep` [B, N] bool (true = attend): [B, 1, 1, N]. On a GPU, whose
/// attention adds numbers to its scores, it is those in `dtype`, made once for all layers.
torch::Tensor key_mask(const torch::Tensor& keep, torch::ScalarType dtype);

}  // namespace referent::inference
