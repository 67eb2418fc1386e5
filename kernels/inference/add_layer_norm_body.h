// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "kernels/inference/chunk.h"
#include "kernels/inference/params.h"

namespace referent::kernels {

/// A warp a row of kChunks chunks a lane, which it keeps in registers: one pass over memory.
template <class Machine, class T, int kChunks>
struct AddLayerNorm {
  static constexpr int kLanes = 32;
  static constexpr int kRows = 4;  ///< of a block
  static constexpr int kThreads = kRows * kLanes;
  static constexpr int kSharedBytes = 0;
  static constexpr int kElements = kChunkElements<T>;
  static constexpr int kWidth = kChunks * kLanes * kElements;

  Machine& machine;
  const AddLayerNormParams& params;

  REFERENT_HOST_DEVICE static constexpr int blocks(const AddLayerNormParams& params) {
    return ceil_div(params.rows, kRows);
  }

  REFERENT_DEVICE void run() {
    const int lane = machine.thread() % kLanes;
    const int row = machine.block() * kRows + machine.thread() / kLanes;
    if (row >= params.rows) return;
    const long long first = static_cast<long long>(row) * kChunks * kLanes + lane;
    float x[kChunks][kElements];
    float total = 0;
    REFERENT_UNROLL
    for (int c = 0; c < kChunks; ++c) {
      const Chunk<T> left = load_chunk<T>(machine, params.a, first + c * kLanes);
      const Chunk<T> right = load_chunk<T>(machine, params.b, first + c * kLanes);
      Chunk<T> sum;
      REFERENT_UNROLL
      for (int i = 0; i < kElements; ++i) {
        // What is normalised is the sum as it is kept.
        sum.values[i] = from_float<T>(to_float(left.values[i]) + to_float(right.values[i]));
        x[c][i] = to_float(sum.values[i]);
        total += x[c][i];
      }
      if (params.sum != nullptr) store_chunk<T>(machine, params.sum, first + c * kLanes, sum);
    }
    const float mean = machine.warp_sum(total) / kWidth;
    float squares = 0;
    REFERENT_UNROLL
    for (int c = 0; c < kChunks; ++c) {
      REFERENT_UNROLL
      for (int i = 0; i < kElements; ++i) squares += (x[c][i] - mean) * (x[c][i] - mean);
    }
    const float scale = 1.0F / sqrtf(machine.warp_sum(squares) / kWidth + params.epsilon);
    REFERENT_UNROLL
    for (int c = 0; c < kChunks; ++c) {
      const Chunk<T> weight = load_chunk<T>(machine, params.weight, c * kLanes + lane);
      const Chunk<T> bias = load_chunk<T>(machine, params.bias, c * kLanes + lane);
      Chunk<T> y;
      REFERENT_UNROLL
      for (int i = 0; i < kElements; ++i) {
        y.values[i] = from_float<T>((x[c][i] - mean) * scale * to_float(weight.values[i]) +
                                    to_float(bias.values[i]));
      }
      store_chunk<T>(machine, params.y, first + c * kLanes, y);
    }
  }
};

}  // namespace referent::kernels
