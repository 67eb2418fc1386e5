// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/numbers.h"

namespace referent::kernels {

/// Elements in 16 bytes.
template <class T>
inline constexpr int kChunkElements = 16 / static_cast<int>(sizeof(T));

/// What a thread reads and writes at once.
template <class T>
using Chunk = Vector<T, kChunkElements<T>>;

template <class T, class Machine>
REFERENT_DEVICE Chunk<T> load_chunk(Machine& machine, const void* from, long long index) {
  return machine.template load_global<Chunk<T>>(static_cast<const Chunk<T>*>(from) + index);
}

template <class T, class Machine>
REFERENT_DEVICE void store_chunk(Machine& machine, void* to, long long index,
                                 const Chunk<T>& values) {
  machine.store_global(static_cast<Chunk<T>*>(to) + index, values);
}

}  // namespace referent::kernels
