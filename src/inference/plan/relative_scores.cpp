// SPDX-License-Identifier: Apache-2.0
#include "relative_scores.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "gpu_kernels.h"
#include "referent/inference/flop_count.h"

namespace referent::inference {
namespace {

using torch::Tensor;

constexpr std::int64_t kMultiple = 8;  ///< of 16-bit numbers that kernels read at once

std::int64_t rounded_up(std::int64_t count) {
  return (count + kMultiple - 1) / kMultiple * kMultiple;
}

}  // namespace

RelativeScores::RelativeScores(const Tensor& by_row, const Tensor& by_column, std::int64_t side,
                               const Target& target)
    : side_(side), depth_(by_row.size(1)), features_(rounded_up(depth_ + 2 * side)) {
  // Attention scales q . k by 1 / sqrt(d), which the scores are not to be. Flipped, offsets go up
  // with the key's row.
  Tensor tables = at::cat({by_row.flip(0), by_column.flip(0)}) *
                  std::sqrt(static_cast<double>(depth_));  // [4 side - 2, d]
  const std::int64_t missing = rounded_up(tables.size(0)) - tables.size(0);
  tables = at::cat({tables, tables.new_zeros({missing, depth_})});
  table_ = target.place(tables.t());
  const Tensor place = at::arange(side, torch::kInt64);
  const Tensor row = at::one_hot(place.repeat_interleave(side), side);
  const Tensor column = at::one_hot(place.repeat(side), side);
  const Tensor rest = at::zeros({side * side, features_ - depth_ - 2 * side}, torch::kInt64);
  ones_ = target.place(at::cat({row, column, rest}, 1).unsqueeze(1));
}

Tensor RelativeScores::attend(const std::vector<Tensor>& qkv, std::int64_t heads) const {
  const std::int64_t batch = qkv[0].size(0);
  const std::int64_t tokens = qkv[0].size(1);
  const auto split = [&](const Tensor& x) { return x.unflatten(2, {heads, depth_}); };
  Tensor q = at::empty({batch, tokens, heads, features_}, qkv[0].options());
  Tensor k = at::empty_like(q);
  q.narrow(3, 0, depth_).copy_(split(qkv[0]));
  k.narrow(3, 0, depth_).copy_(split(qkv[1]));
  k.narrow(3, depth_, features_ - depth_).copy_(ones_);

  const Tensor scores = at::mm(q.view({-1, features_}).narrow(1, 0, depth_), table_);
  // Of the query at (y, x) the score for row i stands at side - 1 - y + i of the first half.
  const std::int64_t offsets = scores.size(1);
  const std::int64_t cell = heads * offsets;
  const auto of = [&](std::int64_t half, std::int64_t along_y, std::int64_t along_x) {
    return scores.as_strided({batch, side_, side_, heads, side_},
                             {tokens * cell, side_ * cell - along_y, cell - along_x, offsets, 1},
                             half * (2 * side_ - 1) + side_ - 1);
  };
  const Tensor grid = q.view({batch, side_, side_, heads, features_});
  grid.narrow(4, depth_, side_).copy_(of(0, 1, 0));
  grid.narrow(4, depth_ + side_, side_).copy_(of(1, 0, 1));
  const std::int64_t rest = features_ - depth_ - 2 * side_;
  if (rest > 0) q.narrow(3, depth_ + 2 * side_, rest).zero_();

  return attention_of(q, k, split(qkv[2]));
}

std::optional<Tensor> RelativeScores::attend_windows(const Tensor& qkv, std::int64_t heads) const {
  if (qkv.size(1) % side_ != 0 || qkv.size(2) % side_ != 0 || !qkv.is_cuda()) return std::nullopt;
  const Tensor queries =
      qkv.flatten(0, 2).narrow(1, 0, heads * depth_).unflatten(1, {heads, depth_}).transpose(0, 1);
  const Tensor scores = at::bmm(queries, table_.unsqueeze(0).expand({heads, -1, -1}));
  const auto made = fused_relative_features(qkv, scores, side_, depth_, features_);
  if (!made) return std::nullopt;
  return attention_of(made->q, made->k, made->v).unflatten(1, {side_, side_});
}

Tensor RelativeScores::attention_of(const Tensor& q, const Tensor& k, const Tensor& v) const {
  FlopCount::add(4 * q.size(0) * q.size(2) * q.size(1) * q.size(1) * depth_);
  return at::scaled_dot_product_attention(
             q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), std::nullopt,
             /*dropout_p=*/0.0, /*is_causal=*/false, 1.0 / std::sqrt(static_cast<double>(depth_)))
      .transpose(1, 2)
      .flatten(2);
}

}  // namespace referent::inference
