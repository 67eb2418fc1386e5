// SPDX-License-Identifier: Apache-2.0
#include "kernels/inference/relative_features.h"

#include <limits>

#include "kernels/common/alignment.h"

namespace referent::kernels {
namespace {

constexpr int kMostBlocks = 65535;  ///< along a grid's second and third dimension

}  // namespace

bool takes(const RelativeFeaturesParams& params) {
  if (params.type == DataType::kFloat32 || params.side <= 0 || params.depth <= 0) return false;
  return params.height % params.side == 0 && params.width % params.side == 0 &&
         params.features >= params.depth + 2 * params.side &&
         params.offsets >= 4 * params.side - 2 &&
         are_aligned(params.type, 16, params.depth, params.features, params.row_stride) &&
         is_aligned(params.qkv, 16) &&
         static_cast<long long>(params.batch) * params.height * params.width <
             std::numeric_limits<int>::max() &&
         params.batch <= kMostBlocks &&
         params.height / params.side * (params.width / params.side) <= kMostBlocks;
}

}  // namespace referent::kernels
