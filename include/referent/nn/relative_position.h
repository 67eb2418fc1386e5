// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <utility>

#include "referent/nn/config.h"

namespace referent::nn {

/// A table of relative positions [rows, d] for another number of rows.
///
/// Linear: resized as detectron2 does (half-pixel centres, no antialiasing). Crop: the middle rows,
/// as VG-LAW's code describes for the tables of a larger picture; a table that is too short for it
/// throws c10::Error.
torch::Tensor fit_relative_positions(const torch::Tensor& table, std::int64_t rows,
                                     PositionFit fit);

/// The embedding of every pair of a query and a key along one axis: table [rows, d] ->
/// [queries, keys, d]. Row i - j + keys - 1 of the table stands for query i and key j; where the
/// two lengths differ the shorter one's indices are scaled up. A table of other than
/// 2 max(queries, keys) - 1 rows is resized linearly first.
torch::Tensor relative_positions(const torch::Tensor& table, std::int64_t queries,
                                 std::int64_t keys);

/// Decomposed relative positions (Li et al. 2021, MViTv2; ViTDet) of a grid of height x width
/// cells: what is added to the attention scores of query (y, x) and key (v, u),
///
///     q . R_h[y, v] + q . R_w[x, u]
///
/// q [..., height * width, d], not scaled; row_table and column_table [rows, d]. Returns
/// [..., height * width, height * width].
torch::Tensor decomposed_relative_scores(const torch::Tensor& q, const torch::Tensor& row_table,
                                         const torch::Tensor& column_table, std::int64_t height,
                                         std::int64_t width);

/// The two summands apart: q . R_h[y, v] for every row v, [..., height * width, height], and
/// q . R_w[x, u] for every column u, [..., height * width, width].
std::pair<torch::Tensor, torch::Tensor> relative_scores_by_axis(const torch::Tensor& q,
                                                                const torch::Tensor& row_table,
                                                                const torch::Tensor& column_table,
                                                                std::int64_t height,
                                                                std::int64_t width);

/// A table of absolute positions [1, (1 +) S * S, C], `has_class_token` telling whether its first
/// row is the class token's, for a grid: -> [1, height, width, C]. Resized bicubically (a = -0.75,
/// half-pixel centres, no antialiasing) unless it is of that size.
torch::Tensor absolute_positions(const torch::Tensor& table, bool has_class_token,
                                 std::int64_t height, std::int64_t width);

}  // namespace referent::nn
