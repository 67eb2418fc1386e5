// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/relative_attention.h"

#include <ATen/Context.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <cmath>

#include "referent/nn/attention.h"
#include "referent/nn/relative_position.h"

namespace referent::nn {
namespace {

using torch::Tensor;

constexpr std::int64_t kMultiple = 8;  ///< of 16-bit numbers that fused attention reads at once

Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return x.unflatten(-1, {heads, -1}).transpose(1, 2);  // [B, heads, N, d]
}

/// In 16 bits on a GPU, whose fused attention takes no scores that learn, or slowly, and whose
/// gradients add up in no fixed order.
bool by_features(const Tensor& q) {
  return q.is_cuda() && q.element_size() == 2 && !at::globalContext().deterministicAlgorithms();
}

}  // namespace

Tensor relative_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                          const Tensor& row_table, const Tensor& column_table, std::int64_t height,
                          std::int64_t width, std::int64_t heads) {
  if (by_features(q)) {
    return relative_attention_by_features(q, k, v, row_table, column_table, height, width, heads);
  }
  const Tensor scores =
      decomposed_relative_scores(split_heads(q, heads), row_table, column_table, height, width);
  return multi_head_attention(q, k, v, scores, heads, /*dropout=*/0.0);
}

Tensor relative_attention_by_features(const Tensor& q, const Tensor& k, const Tensor& v,
                                      const Tensor& row_table, const Tensor& column_table,
                                      std::int64_t height, std::int64_t width, std::int64_t heads) {
  const Tensor queries = split_heads(q, heads);
  const Tensor keys = split_heads(k, heads);
  const double depth = static_cast<double>(queries.size(-1));
  const auto [by_row, by_column] =
      relative_scores_by_axis(queries, row_table, column_table, height, width);
  const std::int64_t features = queries.size(-1) + height + width;
  const std::int64_t missing = (kMultiple - features % kMultiple) % kMultiple;

  const auto options = torch::TensorOptions(torch::kInt64).device(q.device());
  const Tensor row = at::one_hot(at::arange(height, options).repeat_interleave(width), height);
  const Tensor column = at::one_hot(at::arange(width, options).repeat({height}), width);
  const Tensor rest = torch::zeros({height * width, missing}, options);
  const Tensor ones = at::cat({row, column, rest}, 1).to(q.scalar_type());

  // Attention scales q . k by 1 / sqrt(d), which the scores are not to be.
  const auto unscaled = [&](const Tensor& scores) {
    return scores.to(q.scalar_type()) * std::sqrt(depth);
  };
  const Tensor nothing =
      queries.new_zeros({1, 1, 1, 1}).expand({queries.size(0), heads, queries.size(2), missing});
  const Tensor y = at::scaled_dot_product_attention(
      at::cat({queries, unscaled(by_row), unscaled(by_column), nothing}, -1),
      at::cat({keys, ones.expand({keys.size(0), heads, -1, -1})}, -1), split_heads(v, heads),
      /*attn_mask=*/std::nullopt, /*dropout_p=*/0.0, /*is_causal=*/false, 1 / std::sqrt(depth));
  return y.transpose(1, 2).flatten(2);
}

}  // namespace referent::nn
