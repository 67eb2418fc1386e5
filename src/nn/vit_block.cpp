// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/vit_block.h"

#include <torch/nn/init.h>

#include "referent/batch/probe.h"
#include "referent/nn/relative_attention.h"
#include "referent/nn/window.h"
#include "referent/ops/conditional_linear.h"

namespace referent::nn {
namespace {

using torch::Tensor;

constexpr double kInitialDeviation = 0.02;

torch::nn::Linear linear(std::int64_t input, std::int64_t output) {
  torch::nn::Linear layer(input, output);
  torch::nn::init::normal_(layer->weight, 0.0, kInitialDeviation);
  torch::nn::init::zeros_(layer->bias);
  return layer;
}

torch::nn::LayerNorm layer_norm(const VitBlockOptions& options) {
  return torch::nn::LayerNorm(
      torch::nn::LayerNormOptions({options.width}).eps(options.norm_epsilon));
}

/// Stochastic depth (Huang et al. 2016): zero for a share of the samples, scaled up for the others.
Tensor drop_path(const Tensor& x, double share) {
  if (share == 0) return x;
  const Tensor kept = torch::empty({x.size(0), 1, 1, 1}, x.options()).bernoulli_(1 - share);
  return x * kept.div_(1 - share);
}

}  // namespace

VitAttentionImpl::VitAttentionImpl(const VitBlockOptions& options)
    : heads_(options.heads),
      window_(options.window),
      qkv_(linear(options.width, 3 * options.width)),
      proj_(linear(options.width, options.width)) {
  register_module("qkv", qkv_);
  register_module("proj", proj_);
  const std::vector<std::int64_t> table{options.relative_rows(), options.width / options.heads};
  rel_pos_h_ = register_parameter("rel_pos_h", torch::zeros(table));
  rel_pos_w_ = register_parameter("rel_pos_w", torch::zeros(table));
}

Tensor VitAttentionImpl::forward(const Tensor& x, LayerConditioner* conditioner,
                                 const std::string& name) {
  const std::int64_t height = x.size(1);
  const std::int64_t width = x.size(2);
  const Tensor tokens = x.flatten(1, 2);  // [B, N, D]
  std::optional<ops::LowRankUpdate> update;
  if (conditioner != nullptr) update = conditioner->fused_attention(tokens, qkv_->weight);

  // Cells that pad a window hold zeros until the bias, which they share with all others.
  const bool padded = window_ > 0 && (height % window_ != 0 || width % window_ != 0);
  Tensor qkv = ops::conditional_linear(tokens, qkv_->weight, padded ? Tensor() : qkv_->bias, update)
                   .unflatten(1, {height, width});  // [B, H, W, 3D]
  if (window_ > 0) qkv = partition_windows(qkv, window_);
  if (padded) qkv = qkv + qkv_->bias;

  const std::int64_t rows = qkv.size(1);
  const std::int64_t columns = qkv.size(2);
  const auto part = qkv.flatten(1, 2).chunk(3, -1);  // [B', N', D] each
  Tensor y = proj_(relative_attention(part[0], part[1], part[2], rel_pos_h_, rel_pos_w_, rows,
                                      columns, heads_))
                 .unflatten(1, {rows, columns});
  probe(name, y);
  return window_ > 0 ? join_windows(y, height, width) : y;
}

VitBlockImpl::VitBlockImpl(const VitBlockOptions& options)
    : drop_path_(options.drop_path),
      norm1_(layer_norm(options)),
      attn_(options),
      norm2_(layer_norm(options)),
      fc1_(linear(options.width, options.mlp_width)),
      fc2_(linear(options.mlp_width, options.width)) {
  register_module("norm1", norm1_);
  register_module("attn", attn_);
  register_module("norm2", norm2_);
  const auto mlp = register_module("mlp", std::make_shared<Module>());
  mlp->register_module("fc1", fc1_);
  mlp->register_module("fc2", fc2_);
}

Tensor VitBlockImpl::forward(const Tensor& x, LayerConditioner* conditioner,
                             const std::string& name) {
  const double dropped = is_training() ? drop_path_ : 0.0;
  const Tensor h = x + drop_path(attn_(norm1_(x), conditioner, name + ".attn"), dropped);
  const Tensor input = norm2_(h);
  const Tensor tokens = input.flatten(1, 2);
  std::optional<ops::LowRankUpdate> update;
  if (conditioner != nullptr) update = conditioner->mlp(tokens);
  const Tensor y =
      ops::conditional_linear(torch::gelu(fc1_(tokens)), fc2_->weight, fc2_->bias, update)
          .unflatten(1, {x.size(1), x.size(2)});
  return h + drop_path(y, dropped);
}

}  // namespace referent::nn
