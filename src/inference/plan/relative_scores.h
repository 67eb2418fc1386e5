// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "layers.h"

namespace referent::inference {

/// ViTDet's attention on a square grid without a table of N x N scores. A query's score for a row
/// is a number that belongs to the query and the row, so each query carries its scores for the
/// `side` rows and the `side` columns as further features, and each key a one where its own row and
/// column are: their product adds both scores to q . k.
class RelativeScores {
 public:
  /// rel_pos_h, rel_pos_w [2 side - 1, d], as ViTDet keeps them.
  RelativeScores(const torch::Tensor& by_row, const torch::Tensor& by_column, std::int64_t side,
                 const Target& target);

  /// Queries, keys, values [B, side * side, D], any strides whose last is 1 -> [B, side * side, D].
  torch::Tensor attend(const std::vector<torch::Tensor>& qkv, std::int64_t heads) const;

  /// The same of the windows of side x side cells that a map qkv [B, H, W, 3 D] consists of, cut on
  /// the way -> [windows, side, side, D]. Nothing where it is not made of whole ones, or there is
  /// no kernel for it.
  std::optional<torch::Tensor> attend_windows(const torch::Tensor& qkv, std::int64_t heads) const;

 private:
  /// q, k [B, N, heads, features], v [B, N, heads, d] -> [B, N, D].
  torch::Tensor attention_of(const torch::Tensor& q, const torch::Tensor& k,
                             const torch::Tensor& v) const;

  std::int64_t side_;
  std::int64_t depth_;     ///< of a head
  std::int64_t features_;  ///< with the scores, rounded up to what attention takes
  torch::Tensor table_;    ///< [d, T]: from a query to its scores for every offset
  torch::Tensor ones_;     ///< [N, 1, features_ - d]: what keys carry
};

}  // namespace referent::inference
