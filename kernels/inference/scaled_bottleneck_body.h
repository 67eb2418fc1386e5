// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/inference/chunk.h"
#include "kernels/inference/params.h"

namespace referent::kernels {

/// A thread a chunk of the output.
template <class Machine, class T>
struct ScaledBottleneck {
  static constexpr int kThreads = 256;
  static constexpr int kSharedBytes = 0;
  static constexpr int kElements = kChunkElements<T>;

  Machine& machine;
  const ScaledBottleneckParams& params;

  REFERENT_HOST_DEVICE static constexpr long long outputs(const ScaledBottleneckParams& params) {
    return static_cast<long long>(params.batch) * params.pixels * (params.rank / kElements + 1);
  }

  REFERENT_DEVICE void run() {
    const long long index = static_cast<long long>(machine.block()) * kThreads + machine.thread();
    if (index >= outputs(params)) return;
    const int chunks = params.rank / kElements;
    const long long pixel = index / (chunks + 1);
    const int chunk = static_cast<int>(index % (chunks + 1));
    Chunk<T> y;
    if (chunk == chunks) {
      REFERENT_UNROLL
      for (int i = 0; i < kElements; ++i) y.values[i] = from_float<T>(i == 0 ? 1.0F : 0.0F);
    } else {
      const Chunk<T> x = load_chunk<T>(machine, params.x, pixel * chunks + chunk);
      const Chunk<T> core =
          load_chunk<T>(machine, params.core, pixel / params.pixels * chunks + chunk);
      REFERENT_UNROLL
      for (int i = 0; i < kElements; ++i) {
        y.values[i] = from_float<T>(to_float(x.values[i]) * to_float(core.values[i]));
      }
    }
    store_chunk<T>(machine, params.y, index, y);
  }
};

}  // namespace referent::kernels
