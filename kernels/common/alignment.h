// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/common/numbers.h"
#include "kernels/common/tile.h"

namespace referent::kernels {

inline int element_bytes(DataType type) {
  return type == DataType::kFloat32 ? 4 : 2;
}

inline bool is_aligned(const void* data, int bytes) {
  return reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(bytes) == 0;
}

/// Whether strides of so many elements keep an address on a multiple of `bytes`.
template <class... Strides>
bool are_aligned(DataType type, int bytes, Strides... strides) {
  return ((strides * element_bytes(type) % bytes == 0) && ...);
}

/// Rows of r elements are whole 16-byte chunks, and fit a kernel's tile.
inline bool is_supported_rank(DataType type, int rank) {
  return rank > 0 && rank <= kMaxRank && are_aligned(type, 16, rank);
}

}  // namespace referent::kernels
