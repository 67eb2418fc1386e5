// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/attention.h"

#include <ATen/Context.h>
#include <ATen/ops/_softmax.h>
#include <ATen/ops/_softmax_backward_data.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/init.h>

#include <cmath>
#include <limits>
#include <tuple>

#include "referent/nn/autocast.h"
#include "referent/nn/dropout.h"
#include "referent/ops/conditional_linear.h"

namespace referent::nn {
namespace {

using torch::Tensor;

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

std::optional<Tensor> optional(const Tensor& x) {
  return x.defined() ? std::optional<Tensor>(x) : std::nullopt;
}

Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

/// Attention in steps, each known to autograd.
Tensor composed_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                          double dropout) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(-1)));
  Tensor scores = at::matmul(q * scale, k.transpose(-2, -1));  // [B, heads, Nq, Nk]
  if (mask.defined()) {
    scores = mask.scalar_type() == torch::kBool
                 ? scores.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity())
                 : scores + mask;
  }
  return at::matmul(nn::dropout(scores.softmax(-1), dropout, dropout > 0), v);
}

/// The same steps on the CPU with their intermediate tables overwritten; the backward pass keeps
/// one table and computes again what dropout zeroed.
class AttentionInSteps : public torch::autograd::Function<AttentionInSteps> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& q, const Tensor& k, const Tensor& v,
                        const std::optional<Tensor>& mask, double dropout) {
    const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(-1)));
    const Tensor scaled = q * scale;
    Tensor weights = at::matmul(scaled, k.transpose(-2, -1));  // [B, heads, Nq, Nk]
    if (mask && mask->scalar_type() == torch::kBool) {
      weights.masked_fill_(mask->logical_not(), -std::numeric_limits<double>::infinity());
    } else if (mask) {
      weights.add_(*mask);
    }
    at::_softmax_out(weights, weights, -1, /*half_to_float=*/false);
    context->saved_data["scale"] = scale;
    context->saved_data["rate"] = dropout;
    context->save_for_backward({scaled, k, v, weights});
    if (dropout == 0) return at::matmul(weights, v);
    const DropoutMask drop = DropoutMask::draw(dropout);
    context->saved_data["seed"] = static_cast<std::int64_t>(drop.seed());
    return at::matmul(drop.apply(weights), v);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list kept = context->get_saved_variables();
    const auto& [scaled, k, v, weights] = std::tie(kept[0], kept[1], kept[2], kept[3]);
    const double rate = context->saved_data["rate"].toDouble();
    Tensor of_weights = at::matmul(gradients[0], v.transpose(-2, -1));
    Tensor of_v;
    if (rate == 0) {
      of_v = at::matmul(weights.transpose(-2, -1), gradients[0]);
    } else {
      const DropoutMask drop(rate, static_cast<std::uint64_t>(context->saved_data["seed"].toInt()));
      of_v = at::matmul(drop.apply(weights).transpose(-2, -1), gradients[0]);
      of_weights = drop.apply(of_weights);
    }
    // Zero where a key is masked, since its weight is.
    const Tensor of_scores =
        at::_softmax_backward_data(of_weights, weights, -1, weights.scalar_type());
    const Tensor of_q = at::matmul(of_scores, k) * context->saved_data["scale"].toDouble();
    const Tensor of_k = at::matmul(of_scores.transpose(-2, -1), scaled);
    return {of_q, of_k, of_v, Tensor(), Tensor()};
  }
};

Tensor attention_in_steps(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                          double dropout) {
  const bool plain = q.is_cpu() && Autocast::current(torch::kCPU) == torch::kFloat32 &&
                     c10::elementSize(q.scalar_type()) >= 4;
  if (!plain || (mask.defined() && mask.requires_grad())) {
    return composed_attention(q, k, v, mask, dropout);
  }
  return AttentionInSteps::apply(q, k, v, optional(mask), dropout);
}

/// A mask as scores to add, finite ones: fused kernels subtract scores from each other a tile of
/// keys at a time, and infinite ones would leave NaN of a tile that is masked as a whole. What is
/// this small has a weight of 0 in every type.
Tensor finite_scores(const Tensor& mask, const Tensor& q) {
  constexpr double kMasked = -3e4;  // float16 holds it
  if (!mask.defined() || mask.scalar_type() != torch::kBool) return mask;
  return at::zeros_like(mask, q.options()).masked_fill_(mask.logical_not(), kMasked);
}

/// Whether gradients are wanted where fused attention cannot be had: the backward of
/// LibTorch 2.11's CPU kernel gives NaN for sharp attention over padded keys, where the released
/// code, which works in steps, does not; those of its GPU kernels add up in no fixed order.
bool in_steps(const Tensor& q) {
  if (!at::GradMode::is_enabled() || !q.requires_grad()) return false;
  return !q.is_cuda() || at::globalContext().deterministicAlgorithms();
}

}  // namespace

Tensor aligned_rows(const Tensor& x) {
  constexpr std::int64_t kBytes = 16;
  const auto size = static_cast<std::int64_t>(x.element_size());
  const auto whole = [&](std::int64_t elements) { return elements * size % kBytes == 0; };
  const bool fits = whole(x.stride(0)) && whole(x.stride(1)) && whole(x.storage_offset());
  return x.is_cpu() || fits ? x : x.contiguous();
}

Tensor multi_head_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                            std::int64_t heads, double dropout) {
  const Tensor qh = split_heads(aligned_rows(q), heads);
  const Tensor kh = split_heads(aligned_rows(k), heads);
  const Tensor vh = split_heads(aligned_rows(v), heads);
  Tensor y;
  if (in_steps(q)) {
    y = attention_in_steps(qh, kh, vh, mask, dropout);
  } else {
    const Tensor scores = q.is_cuda() ? finite_scores(mask, q) : mask;
    y = at::scaled_dot_product_attention(qh, kh, vh, optional(scores), dropout);
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
