// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <string>

#include "referent/nn/conditioner.h"

namespace referent::nn {

/// What a ViTDet block is built for.
struct VitBlockOptions {
  std::int64_t width = 768;
  std::int64_t heads = 12;
  std::int64_t mlp_width = 3072;
  std::int64_t window = 0;  ///< side of its windows; 0: attention over the whole grid
  std::int64_t grid = 28;   ///< side of the grid that its relative positions are made for
  double norm_epsilon = 1e-6;
  double drop_path = 0.0;  ///< share of samples whose residual branch is dropped in training

  /// Rows of its tables of relative positions.
  std::int64_t relative_rows() const { return 2 * (window > 0 ? window : grid) - 1; }
};

/// Self-attention with one fused projection and decomposed relative positions (ViTDet).
class VitAttentionImpl : public torch::nn::Module {
 public:
  explicit VitAttentionImpl(const VitBlockOptions& options);

  /// x [B, H, W, D]; returns [B, H, W, D]. Windows are cut from q, k and v: a cell that pads a
  /// window has the projection's bias for all three, and is attended to, as in the released code,
  /// which pads x with zeros. `name` is what probes call the output, in windows and before they
  /// are joined.
  torch::Tensor forward(const torch::Tensor& x, LayerConditioner* conditioner,
                        const std::string& name);

 private:
  std::int64_t heads_;
  std::int64_t window_;
  torch::nn::Linear qkv_;
  torch::nn::Linear proj_;
  torch::Tensor rel_pos_h_;
  torch::Tensor rel_pos_w_;
};
TORCH_MODULE(VitAttention);

/// A pre-norm transformer block over a grid of cells (ViTDet, Li et al. 2022):
///
///     h = x + attention(norm1(x)),  y = h + fc2(gelu(fc1(norm2(h))))
class VitBlockImpl : public torch::nn::Module {
 public:
  explicit VitBlockImpl(const VitBlockOptions& options);

  /// x [B, H, W, D]; returns [B, H, W, D]. `conditioner` may be null.
  torch::Tensor forward(const torch::Tensor& x, LayerConditioner* conditioner,
                        const std::string& name);

 private:
  double drop_path_;
  torch::nn::LayerNorm norm1_;
  VitAttention attn_;
  torch::nn::LayerNorm norm2_;
  torch::nn::Linear fc1_;
  torch::nn::Linear fc2_;
};
TORCH_MODULE(VitBlock);

}  // namespace referent::nn
