// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include "referent/nn/conditioner.h"

namespace referent::nn {

/// Scaled dot-product attention over heads.
///
/// q [B, Nq, D], k and v [B, Nk, D], split into `heads` of D / heads; `mask` broadcasts to
/// [B, heads, Nq, Nk]: bool (true = attend) or added to the scores; undefined: attend to all.
/// Returns [B, Nq, D].
torch::Tensor multi_head_attention(const torch::Tensor& q, const torch::Tensor& k,
                                   const torch::Tensor& v, const torch::Tensor& mask,
                                   std::int64_t heads, double dropout);

/// x [B, N, D] in rows that begin at multiples of 16 bytes on a GPU, copied where they do not:
/// fused attention reads as much at once. cuDNN 9 gives wrong numbers for others without a word,
/// CUTLASS's kernel refuses them.
torch::Tensor aligned_rows(const torch::Tensor& x);

/// Self-attention with PyTorch's fused parameters (in_proj_weight [3D, D], in_proj_bias,
/// out_proj): queries and keys see x + position, values see x.
class SelfAttentionImpl : public torch::nn::Module {
 public:
  SelfAttentionImpl(std::int64_t width, std::int64_t heads, double dropout);

  /// x [B, N, D]; position [B or 1, N, D]; padding [B, N] bool, true = padding, or undefined.
  /// `conditioner` may be null.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& position,
                        const torch::Tensor& padding, LayerConditioner* conditioner);

 private:
  std::int64_t heads_;
  double dropout_;
  torch::Tensor in_proj_weight_;
  torch::Tensor in_proj_bias_;
  torch::nn::Linear out_proj_;
};
TORCH_MODULE(SelfAttention);

}  // namespace referent::nn
