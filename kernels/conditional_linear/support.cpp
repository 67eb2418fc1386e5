// SPDX-License-Identifier: Apache-2.0
#include "kernels/conditional_linear/support.h"

#include <limits>

#include "kernels/common/alignment.h"
#include "kernels/common/tile.h"
#include "kernels/hopper/linear_body.h"

namespace referent::kernels {
namespace {

bool is_aligned(DataType type, int bytes, const void* data, long long batch_stride,
                long long row_stride) {
  return kernels::is_aligned(data, bytes) && are_aligned(type, bytes, batch_stride, row_stride);
}

/// Blocks and rows are counted in int.
bool is_countable(int batch, int tokens, int outputs) {
  const long long rows = static_cast<long long>(batch) * (tokens + kRowTile);
  return rows * (1 + outputs / kColumnTile) < std::numeric_limits<int>::max();
}

/// What wgmma and TMA want beyond the portable kernel: elements of 16 bits, rows of y of whole
/// chunks, samples a whole number of rows apart and, where tiles run over samples, rows at one
/// stride. Their blocks are large: where few of them would leave most of the device idle, the
/// portable kernel's smaller ones fill it better.
bool fits_hopper(const ConditionalLinearParams& params) {
#if defined(REFERENT_HOPPER_KERNELS)
  constexpr int kFewBlocks = 66;  // half of the 132 multiprocessors of an H100
  const DataType type = params.type;
  const auto is_walkable = [&](long long batch_stride, long long row_stride) {
    if (params.batch <= 1) return row_stride > 0;
    const bool whole = batch_stride > 0 && row_stride > 0 && batch_stride % row_stride == 0;
    return whole && (params.dense || batch_stride == params.tokens * row_stride);
  };
  return type != DataType::kFloat32 && hopper::blocks(params) >= kFewBlocks && params.inputs > 0 &&
         params.low_rank_inputs > 0 && params.outputs % 8 == 0 &&
         is_aligned(type, 16, params.y.data, params.y.batch_stride, params.y.row_stride) &&
         is_walkable(params.x.batch_stride, params.x.row_stride) &&
         (params.z.data == nullptr || is_walkable(params.z.batch_stride, params.z.row_stride)) &&
         is_walkable(params.y.batch_stride, params.y.row_stride);
#else
  (void)params;
  return false;
#endif
}

}  // namespace

Path supported_path(const ConditionalLinearParams& params, int compute_capability) {
  const DataType type = params.type;
  const int group = 4 * element_bytes(type);  // of an output's store
  const auto rows = [&](const Rows& tensor, int bytes) {
    return is_aligned(type, bytes, tensor.data, tensor.batch_stride, tensor.row_stride);
  };
  const bool inputs = rows(params.x, 16) && rows(params.z, 16) &&
                      is_aligned(type, 16, params.weight, 0, params.weight_stride) &&
                      is_aligned(type, 16, params.q, 0, params.q_column_stride) &&
                      is_aligned(type, 16, params.p, 0, params.p_stride) &&
                      is_aligned(type, group, params.core, 0, 0);
  const bool outputs =
      params.outputs % 4 == 0 && rows(params.bias, group) &&
      is_aligned(type, group, params.y.data, params.y.batch_stride, params.y.row_stride) &&
      is_aligned(type, group, params.low, 0, 0);
  const bool sizes = is_supported_rank(type, params.rank) &&
                     is_countable(params.batch, params.tokens, params.outputs) &&
                     (params.z.data != nullptr || params.low_rank_inputs == params.inputs);
  const bool q = params.q_row_stride == 1 || params.low_rank_inputs <= 1;
  // float32 in parts keeps more in registers than a wide bottleneck leaves.
  const bool fits =
      type != DataType::kFloat32 || params.allow_tf32 || params.rank <= kMostRankInParts;
  const bool portable = compute_capability >= 80 && inputs && outputs && sizes && q && fits;
  if (!portable) return Path::kUnsupported;
  return compute_capability == 90 && fits_hopper(params) ? Path::kHopper : Path::kPortable;
}

Path supported_path(const LowRankBackwardParams& params, int compute_capability) {
  const DataType type = params.type;
  const Rows& gradient = params.y_gradient;
  const bool inputs =
      is_aligned(type, 16, gradient.data, gradient.batch_stride, gradient.row_stride) &&
      is_aligned(type, 16, params.p, 0, params.p_stride);
  const bool sizes =
      is_supported_rank(type, params.rank) &&
      is_countable(params.batch, params.tokens, params.outputs) &&
      static_cast<long long>(params.batch) * kMaxRank * kMaxRank < std::numeric_limits<int>::max();
  return compute_capability >= 80 && inputs && sizes ? Path::kPortable : Path::kUnsupported;
}

std::size_t low_rank_backward_workspace(const LowRankBackwardParams& params) {
  const std::size_t elements = static_cast<std::size_t>(params.rank) *
                               static_cast<std::size_t>(params.dense ? params.rank : 1);
  const RowMap rows{params.batch, params.tokens, false};
  return static_cast<std::size_t>(rows.tiles()) * elements * sizeof(float);
}

}  // namespace referent::kernels
