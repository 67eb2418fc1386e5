// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/attention.h"

#include <cmath>
#include <limits>

#include "referent/ops/conditional_linear.h"

namespace referent::nn {
namespace {

using torch::Tensor;

Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

/// Attention in steps. Training takes it: the backward of LibTorch 2.11's fused CPU kernel gives
/// NaN for sharp attention over padded keys, where the released code, which works in steps, does
/// not.
Tensor composed_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                          double dropout) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(-1)));
  Tensor scores = at::matmul(q * scale, k.transpose(-2, -1));  // [B, heads, Nq, Nk]
  if (mask.defined()) {
    scores = mask.scalar_type() == torch::kBool
                 ? scores.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity())
                 : scores + mask;
  }
  return at::matmul(torch::dropout(scores.softmax(-1), dropout, dropout > 0), v);
}

}  // namespace

Tensor multi_head_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                            std::int64_t heads, double dropout) {
  const Tensor qh = split_heads(q, heads);
  const Tensor kh = split_heads(k, heads);
  const Tensor vh = split_heads(v, heads);
  Tensor y;
  if (at::GradMode::is_enabled() && q.requires_grad()) {
    y = composed_attention(qh, kh, vh, mask, dropout);
  } else {
    const std::optional<Tensor> attention_mask =
        mask.defined() ? std::optional<Tensor>(mask) : std::nullopt;
    y = at::scaled_dot_product_attention(qh, kh, vh, attention_mask, dropout);
  }
  return y.transpose(1, 2).reshape({q.size(0), q.size(1), q.size(2)});
}

SelfAttentionImpl::SelfAttentionImpl(std::int64_t width, std::int64_t heads, double dropout)
    : heads_(heads), dropout_(dropout), out_proj_(width, width) {
  in_proj_weight_ = register_parameter("in_proj_weight", torch::empty({3 * width, width}));
  in_proj_bias_ = register_parameter("in_proj_bias", torch::zeros({3 * width}));
  register_module("out_proj", out_proj_);
  torch::nn::init::xavier_uniform_(in_proj_weight_);
  torch::nn::init::zeros_(out_proj_->bias);
}

Tensor SelfAttentionImpl::forward(const Tensor& x, const Tensor& position, const Tensor& padding,
                                  LayerConditioner* conditioner) {
  const std::int64_t width = x.size(2);
  const Tensor with_position = x + position;
  const Tensor value_weight = in_proj_weight_.narrow(0, 2 * width, width);
  const Tensor value_bias = in_proj_bias_.narrow(0, 2 * width, width);

  Tensor q, k, v;
  if (conditioner == nullptr) {
    const Tensor qk = at::linear(with_position, in_proj_weight_.narrow(0, 0, 2 * width),
                                 in_proj_bias_.narrow(0, 0, 2 * width));
    q = qk.narrow(2, 0, width);
    k = qk.narrow(2, width, width);
    v = at::linear(x, value_weight, value_bias);
  } else {
    const AttentionUpdate update = conditioner->attention(x, position, in_proj_weight_);
    q = ops::conditional_linear(with_position, in_proj_weight_.narrow(0, 0, width),
                                in_proj_bias_.narrow(0, 0, width), update.query);
    k = ops::conditional_linear(with_position, in_proj_weight_.narrow(0, width, width),
                                in_proj_bias_.narrow(0, width, width), update.key);
    v = ops::conditional_linear(x, value_weight, value_bias, update.value);
  }
  const Tensor keep =
      padding.defined() ? padding.logical_not().unsqueeze(1).unsqueeze(1) : Tensor();
  return out_proj_(multi_head_attention(q, k, v, keep, heads_, is_training() ? dropout_ : 0.0));
}

}  // namespace referent::nn
