// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/relative_position.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_linear1d.h>

#include <algorithm>
#include <cmath>

#include "referent/nn/autocast.h"

namespace referent::nn {

using torch::Tensor;

namespace {

/// [target, side]: what bicubic resizing multiplies a column of `side` numbers by.
Tensor resizing_matrix(const Tensor& like, std::int64_t side, std::int64_t target) {
  const Tensor columns = at::eye(side, like.options()).view({1, side, side, 1});
  return at::upsample_bicubic2d(columns, {target, 1}, /*align_corners=*/false)
      .view({side, target})
      .t();
}

}  // namespace

Tensor fit_relative_positions(const Tensor& table, std::int64_t rows, PositionFit fit) {
  if (table.size(0) == rows) return table;
  if (fit == PositionFit::kCrop) {
    TORCH_CHECK(table.size(0) > rows, "a table of ", table.size(0),
                " relative positions cannot be cropped to ", rows);
    return table.narrow(0, (table.size(0) - rows) / 2, rows);
  }
  const Tensor channels_first = table.t().unsqueeze(0);  // [1, d, rows]
  return at::upsample_linear1d(channels_first, {rows}, /*align_corners=*/false).squeeze(0).t();
}

Tensor relative_positions(const Tensor& table, std::int64_t queries, std::int64_t keys) {
  const Tensor fitted =
      fit_relative_positions(table, 2 * std::max(queries, keys) - 1, PositionFit::kLinear);
  const double query_scale =
      std::max(static_cast<double>(keys) / static_cast<double>(queries), 1.0);
  const double key_scale = std::max(static_cast<double>(queries) / static_cast<double>(keys), 1.0);
  const auto axis = [&](std::int64_t length, double scale) {
    return at::arange(length, table.options().dtype(torch::kFloat32)) * scale;
  };
  const Tensor index = axis(queries, query_scale).unsqueeze(1) -
                       axis(keys, key_scale).unsqueeze(0) +
                       static_cast<double>(keys - 1) * key_scale;  // [queries, keys]
  return fitted.index({index.to(torch::kInt64)});
}

std::pair<Tensor, Tensor> relative_scores_by_axis(const Tensor& q, const Tensor& row_table,
                                                  const Tensor& column_table, std::int64_t height,
                                                  std::int64_t width) {
  const Tensor rows = relative_positions(row_table, height, height);      // [H, H, d]
  const Tensor columns = relative_positions(column_table, width, width);  // [W, W, d]
  const Tensor grid = q.unflatten(-2, {height, width});                   // [..., H, W, d]
  const Tensor by_row = at::matmul(grid, rows.transpose(1, 2));           // [..., H, W, H]
  const Tensor by_column =
      at::matmul(grid.transpose(-3, -2), columns.transpose(1, 2)).transpose(-3, -2);  // [..., W]
  return {by_row.flatten(-3, -2), by_column.flatten(-3, -2)};
}

Tensor decomposed_relative_scores(const Tensor& q, const Tensor& row_table,
                                  const Tensor& column_table, std::int64_t height,
                                  std::int64_t width) {
  const auto [by_row, by_column] =
      relative_scores_by_axis(q, row_table, column_table, height, width);
  return (by_row.unsqueeze(-1) + by_column.unsqueeze(-2)).flatten(-2);
}

Tensor absolute_positions(const Tensor& table, bool has_class_token, std::int64_t height,
                          std::int64_t width) {
  const Tensor cells = has_class_token ? table.narrow(1, 1, table.size(1) - 1) : table;
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(cells.size(1))));
  TORCH_CHECK(side * side == cells.size(1), "a table of ", cells.size(1),
              " absolute positions is no square grid");
  Tensor grid = cells.reshape({1, side, side, cells.size(2)});
  if (side == height && side == width) return grid;
  if (grid.is_cuda()) {
    // The GPU's kernel goes through the channels one after the other.
    const Autocast exact(torch::kCUDA, torch::kFloat32);
    const Tensor rows = at::matmul(resizing_matrix(grid, side, height), grid.flatten(2));
    return at::matmul(resizing_matrix(grid, side, width),
                      rows.unflatten(-1, {side, cells.size(2)}));
  }
  return at::upsample_bicubic2d(grid.permute({0, 3, 1, 2}), {height, width},
                                /*align_corners=*/false)
      .permute({0, 2, 3, 1});
}

}  // namespace referent::nn
