// SPDX-License-Identifier: Apache-2.0
#include "kernels/inference/support.h"

#include <limits>

#include "kernels/common/alignment.h"
#include "kernels/inference/add_layer_norm_body.h"
#include "kernels/inference/blocks_body.h"
#include "kernels/inference/gates_body.h"
#include "kernels/inference/max_pool_body.h"
#include "kernels/inference/relative_features_body.h"
#include "kernels/inference/scaled_bottleneck_body.h"

namespace referent::kernels {
namespace {

constexpr int kMostBlocks = 65535;  ///< along a grid's second and third dimension

/// What limits do not depend on the machine for.
struct NoMachine {};

bool has_16_bits(DataType type) {
  return type != DataType::kFloat32;
}

bool fits_grid(long long outputs, int threads) {
  return outputs / threads < std::numeric_limits<int>::max();
}

}  // namespace

bool takes(const AddLayerNormParams& params) {
  constexpr int kStep = AddLayerNorm<NoMachine, Half, 1>::kWidth;
  return has_16_bits(params.type) && params.width > 0 && params.width % kStep == 0 &&
         params.width <= 4 * kStep;
}

bool takes(const MaxPoolParams& params) {
  using Body = MaxPool<NoMachine, float>;
  return are_aligned(params.type, 16, params.channels) &&
         fits_grid(Body::outputs(params), Body::kThreads);
}

bool takes(const GateParams& params) {
  using Body = Gates<NoMachine, float>;
  const int chunk = 16 / element_bytes(params.type);
  return params.tokens > 0 && params.channels > 0 && params.channels <= Body::kMostChannels &&
         params.channels / chunk <= Body::kThreads &&
         are_aligned(params.type, 16, params.channels, params.x_batch_stride,
                     params.x_row_stride) &&
         is_aligned(params.x, 16) && params.text_width <= Body::kMostChannels &&
         params.text_width % 4 == 0 && params.width <= Body::kMostWidth && params.width % 4 == 0 &&
         params.hidden <= Body::kMostWidth && params.hidden % 4 == 0 && params.gates > 0 &&
         params.gates <= GateParams::kMostGates;
}

bool takes(const BlocksParams& params) {
  using Body = Blocks<NoMachine, Half>;
  return has_16_bits(params.type) && fits_grid(Body::outputs(params), Body::kThreads);
}

bool takes(const ScaledBottleneckParams& params) {
  using Body = ScaledBottleneck<NoMachine, Half>;
  return has_16_bits(params.type) && params.rank > 0 && params.rank % Body::kElements == 0 &&
         fits_grid(Body::outputs(params), Body::kThreads);
}

bool takes(const RelativeFeaturesParams& params) {
  if (!has_16_bits(params.type) || params.side <= 0 || params.depth <= 0) return false;
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
