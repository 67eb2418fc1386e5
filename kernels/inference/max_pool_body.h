// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "kernels/inference/chunk.h"
#include "kernels/inference/params.h"

namespace referent::kernels {

/// A thread a chunk of channels of one output.
template <class Machine, class T>
struct MaxPool {
  static constexpr int kThreads = 256;
  static constexpr int kSharedBytes = 0;
  static constexpr int kElements = kChunkElements<T>;

  Machine& machine;
  const MaxPoolParams& params;

  REFERENT_HOST_DEVICE static constexpr long long outputs(const MaxPoolParams& params) {
    return static_cast<long long>(params.batch) * ceil_div(params.height, 2) *
           ceil_div(params.width, 2) * (params.channels / kElements);
  }

  REFERENT_DEVICE void run() {
    const long long index = static_cast<long long>(machine.block()) * kThreads + machine.thread();
    if (index >= outputs(params)) return;
    const int height = ceil_div(params.height, 2);
    const int width = ceil_div(params.width, 2);
    const int chunks = params.channels / kElements;
    const int chunk = static_cast<int>(index % chunks);
    const long long pixel = index / chunks;
    const int column = static_cast<int>(pixel % width);
    const long long line = pixel / width;
    const int row = static_cast<int>(line % height);
    const long long first = line / height * params.height * params.width;
    float best[kElements];
    REFERENT_UNROLL
    for (int i = 0; i < kElements; ++i) best[i] = -INFINITY;
    REFERENT_UNROLL
    for (int dy = -1; dy <= 1; ++dy) {
      const int v = 2 * row + dy;
      if (v < 0 || v >= params.height) continue;
      REFERENT_UNROLL
      for (int dx = -1; dx <= 1; ++dx) {
        const int u = 2 * column + dx;
        if (u < 0 || u >= params.width) continue;
        const long long place = first + static_cast<long long>(v) * params.width + u;
        const Chunk<T> values = load_chunk<T>(machine, params.x, place * chunks + chunk);
        REFERENT_UNROLL
        for (int i = 0; i < kElements; ++i) {
          const float value = to_float(values.values[i]);
          const bool nan = value != value;
          if (value > best[i] || nan) best[i] = value;
        }
      }
    }
    Chunk<T> y;
    REFERENT_UNROLL
    for (int i = 0; i < kElements; ++i) y.values[i] = from_float<T>(best[i]);
    store_chunk<T>(machine, params.y, index, y);
  }
};

}  // namespace referent::kernels
