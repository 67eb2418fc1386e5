// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/inference/chunk.h"
#include "kernels/inference/params.h"

namespace referent::kernels {

/// A thread a block of pixels: two chunks.
template <class Machine, class T>
struct Blocks {
  static constexpr int kThreads = 256;
  static constexpr int kSharedBytes = 0;
  static constexpr int kColours = 3;

  Machine& machine;
  const BlocksParams& params;

  REFERENT_HOST_DEVICE static constexpr long long outputs(const BlocksParams& params) {
    return static_cast<long long>(params.batch) * params.rows * params.columns;
  }

  REFERENT_DEVICE void run() {
    const long long index = static_cast<long long>(machine.block()) * kThreads + machine.thread();
    if (index >= outputs(params)) return;
    const int u = static_cast<int>(index % params.columns);
    const long long line = index / params.columns;
    const int v = static_cast<int>(line % params.rows);
    const T* x = static_cast<const T*>(params.x) +
                 line / params.rows * params.height * params.width * kColours;
    Chunk<T> chunks[2];
    REFERENT_UNROLL
    for (int k = 0; k < 16; ++k) {
      const int row = 2 * v + k / 2 % 2 - params.before;
      const int column = 2 * u + k % 2 - params.before;
      const bool inside = k / 4 < kColours && row >= 0 && row < params.height && column >= 0 &&
                          column < params.width;
      const long long place = (static_cast<long long>(row) * params.width + column) * kColours;
      chunks[k / 8].values[k % 8] =
          inside ? machine.template load_global<T>(x + place + k / 4) : from_float<T>(0.0F);
    }
    store_chunk<T>(machine, params.y, 2 * index, chunks[0]);
    store_chunk<T>(machine, params.y, 2 * index + 1, chunks[1]);
  }
};

}  // namespace referent::kernels
