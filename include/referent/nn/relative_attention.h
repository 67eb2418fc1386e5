// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace referent::nn {

/// Attention over the cells of a grid whose scores have decomposed relative positions added
/// (decomposed_relative_scores).
///
/// q, k, v [B, height * width, D], split into `heads`; row_table and column_table [rows, D /
/// heads]. Returns [B, height * width, D].
torch::Tensor relative_attention(const torch::Tensor& q, const torch::Tensor& k,
                                 const torch::Tensor& v, const torch::Tensor& row_table,
                                 const torch::Tensor& column_table, std::int64_t height,
                                 std::int64_t width, std::int64_t heads);

/// The same without a table of N x N scores. A query's score for a row is a number that belongs to
/// the query and the row, so each query carries its scores for all rows and columns as further
/// features, and each key a one where its own row and column are: their product adds both scores to
/// q . k, and fused attention needs no mask.
torch::Tensor relative_attention_by_features(const torch::Tensor& q, const torch::Tensor& k,
                                             const torch::Tensor& v, const torch::Tensor& row_table,
                                             const torch::Tensor& column_table, std::int64_t height,
                                             std::int64_t width, std::int64_t heads);

}  // namespace referent::nn
