// SPDX-License-Identifier: Apache-2.0
#include "kernels/conditional_conv2d/support.h"

#include <limits>

#include "kernels/common/alignment.h"
#include "kernels/common/tile.h"

namespace referent::kernels {

Path supported_path(const ConditionalConv2dParams& params, int compute_capability) {
  const DataType type = params.type;
  const int group = 4 * element_bytes(type);
  const bool aligned = is_aligned(params.x, 16) && is_aligned(params.down_weight, 16) &&
                       is_aligned(params.up_weight, 16) && is_aligned(params.core, group) &&
                       is_aligned(params.down_bias, group) && is_aligned(params.up_bias, group) &&
                       is_aligned(params.residual, group) && is_aligned(params.y, group) &&
                       is_aligned(params.low, group) &&
                       are_aligned(type, 16, params.channels, params.x_batch_stride,
                                   params.x_row_stride, params.x_column_stride);
  const long long pixels = static_cast<long long>(params.batch) * params.height * params.width;
  const bool sizes = is_supported_rank(type, params.rank) && params.outputs % 4 == 0 &&
                     params.kernel_height % 2 == 1 && params.kernel_width % 2 == 1 &&
                     pixels + kRowTile < std::numeric_limits<int>::max();
  return compute_capability >= 80 && aligned && sizes ? Path::kPortable : Path::kUnsupported;
}

}  // namespace referent::kernels
