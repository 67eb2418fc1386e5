// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/numbers.h"

namespace referent::kernels {

/// 16 bytes of elements, read and written at once.
template <class T>
struct alignas(16) Chunk {
  static constexpr int kCount = 16 / static_cast<int>(sizeof(T));
  T values[kCount];
};

/// The sum of a value over the lanes of a warp, the same in all of them.
__device__ __forceinline__ float warp_sum(float value) {
  for (int offset = 16; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, offset);
  }
  return value;
}

/// Calls visit with an element of the type.
template <class Visit>
cudaError_t with_element(DataType type, Visit visit) {
  switch (type) {
    case DataType::kBFloat16:
      return visit(BFloat16{});
    case DataType::kFloat16:
      return visit(Half{});
    case DataType::kFloat32:
      break;
  }
  return visit(float{});
}

}  // namespace referent::kernels
