// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/numbers.h"

namespace referent::kernels {

/// What attention with decomposed relative positions reads when a query's scores are features of it
/// (ViTDet; Li et al. 2021, MViTv2), of a map cut into square windows, one after the other:
///
///     q[w, (y, x), h] = (query, scores[side - 1 - y + i] for i < side,
///                        scores[3 side - 2 - x + j] for j < side, 0 ...)
///     k[w, (y, x), h] = (key, 1 where i = y, 1 where j = x, 0 ...)
///     v[w, (y, x), h] = value
///
/// qkv: rows of the cells of [batch, height, width], each the queries, keys and values of all
/// heads; scores [heads, cells, offsets]; q and k [windows, side * side, heads, features]; v
/// [windows, side
/// * side, heads, depth].
struct RelativeFeaturesParams {
  DataType type = DataType::kFloat32;
  int batch = 0, height = 0, width = 0;
  int side = 0;  ///< of a window; divides height and width
  int heads = 0, depth = 0, features = 0, offsets = 0;
  const void* qkv = nullptr;
  long long row_stride = 0;  ///< of qkv
  const void* scores = nullptr;
  void* q = nullptr;
  void* k = nullptr;
  void* v = nullptr;
};

/// Depth, features and rows in whole 16 bytes; features for all scores.
bool takes(const RelativeFeaturesParams& params);

}  // namespace referent::kernels
