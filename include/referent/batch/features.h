// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace referent {

/// What a text encoder gives: one vector a token, the first of them for the whole expression
/// ([CLS]), and their mean over real tokens.
struct TextFeatures {
  torch::Tensor tokens;   ///< [B, L, D]
  torch::Tensor padding;  ///< [B, L] bool, true = padding
  torch::Tensor mean;     ///< [B, D]
};

/// What a visual encoder gives: one vector a cell of its grid, row by row.
struct VisualFeatures {
  torch::Tensor tokens;     ///< [B, N, D], N = height * width
  torch::Tensor padding;    ///< [B, N] bool, true = padding
  std::int64_t height = 0;  ///< rows of the grid
  std::int64_t width = 0;   ///< cells a row
};

}  // namespace referent
