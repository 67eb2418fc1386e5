// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "kernels/inference/chunk.h"
#include "kernels/inference/params.h"

namespace referent::kernels {

/// A block a sample and gate. Everything after the means fits in shared memory.
template <class Machine, class T>
struct Gates {
  static constexpr int kThreads = 512;
  static constexpr int kMostWidth = 256;
  static constexpr int kMostChannels = 2048;

  // Shared memory, in bytes.
  static constexpr int kFloat = 4;
  static constexpr int kMean = 0;
  static constexpr int kText = kMean + kMostChannels * kFloat;
  static constexpr int kBoth = kText + kMostChannels * kFloat;
  static constexpr int kHidden = kBoth + kMostWidth * kFloat;
  static constexpr int kVisual = kHidden + kMostWidth * kFloat;
  static constexpr int kTextual = kVisual + kMostWidth * kFloat;
  static constexpr int kPartial = kTextual + kMostWidth * kFloat;
  static constexpr int kSharedBytes = kPartial + kThreads * kChunkElements<T> * kFloat;

  Machine& machine;
  const GateParams& params;

  REFERENT_DEVICE void run(int sample, int gate) {
    const GateWeights& weights = params.weights[gate];
    sum_channels(sample);
    machine.sync();
    finish_means();
    copy_text(sample);
    machine.sync();
    multiply(weights.visual, kMean, params.width, params.channels,
             [&](int i, float value) { put(kVisual, i, value); });
    multiply(weights.text, kText, params.width, params.text_width,
             [&](int i, float value) { put(kTextual, i, value); });
    machine.sync();
    for (int i = machine.thread(); i < params.width; i += kThreads) {
      put(kBoth, i, at(kVisual, i) + at(kTextual, i));
    }
    machine.sync();
    multiply(weights.inner, kBoth, params.hidden, params.width, [&](int i, float value) {
      put(kHidden, i, fmaxf(value + read(weights.inner_bias, i), 0.0F));
    });
    machine.sync();
    multiply(weights.outer, kHidden, params.width, params.hidden, [&](int i, float value) {
      const float open = 1.0F / (1.0F + expf(-(value + read(weights.outer_bias, i))));
      const float v = at(kVisual, i), t = at(kTextual, i);
      put(kBoth, i, params.gates_visual ? t + open * v : open * t + v);
    });
    machine.sync();
    T* core = static_cast<T*>(params.core) +
              (static_cast<long long>(sample) * params.gates + gate) * params.rank;
    multiply(weights.core, kBoth, params.rank, params.width, [&](int i, float value) {
      machine.store_global(core + i, from_float<T>(value + read(weights.core_bias, i)));
    });
  }

 private:
  static constexpr int kLanes = 32;
  static constexpr int kWarps = kThreads / kLanes;
  static constexpr int kRowsTogether = 4;
  static constexpr int kElements = kChunkElements<T>;
  using Four = Vector<float, 4>;

  REFERENT_DEVICE float at(int vector, int i) {
    return machine.template load_shared<float>(vector + i * kFloat);
  }
  REFERENT_DEVICE void put(int vector, int i, float value) {
    machine.store_shared(vector + i * kFloat, value);
  }
  REFERENT_DEVICE float read(const float* from, int i) {
    return machine.template load_global<float>(from + i);
  }

  REFERENT_DEVICE int chunks() const { return params.channels / kElements; }
  /// Into how many the tokens are dealt, each summed by a thread a chunk of channels.
  REFERENT_DEVICE int parts() const { return kThreads / chunks(); }

  REFERENT_DEVICE void sum_channels(int sample) {
    const int part = machine.thread() / chunks();
    if (part >= parts()) return;
    const int chunk = machine.thread() % chunks();
    const T* x = static_cast<const T*>(params.x) + sample * params.x_batch_stride;
    float sums[kElements] = {};
#if defined(__CUDACC__)
#pragma unroll 8
#endif
    for (int token = part; token < params.tokens; token += parts()) {
      const Chunk<T> values = load_chunk<T>(machine, x + token * params.x_row_stride, chunk);
      REFERENT_UNROLL
      for (int i = 0; i < kElements; ++i) sums[i] += to_float(values.values[i]);
    }
    REFERENT_UNROLL
    for (int i = 0; i < kElements; ++i) {
      put(kPartial, part * params.channels + chunk * kElements + i, sums[i]);
    }
  }

  REFERENT_DEVICE void finish_means() {
    for (int channel = machine.thread(); channel < params.channels; channel += kThreads) {
      float sum = 0;
      for (int part = 0; part < parts(); ++part) {
        sum += at(kPartial, part * params.channels + channel);
      }
      put(kMean, channel, sum / static_cast<float>(params.tokens));
    }
  }

  REFERENT_DEVICE void copy_text(int sample) {
    const T* text =
        static_cast<const T*>(params.text) + static_cast<long long>(sample) * params.text_width;
    for (int i = machine.thread(); i < params.text_width; i += kThreads) {
      put(kText, i, to_float(machine.template load_global<T>(text + i)));
    }
  }

  /// y[i] = matrix[i] . x, i in [0, rows), x a vector of shared memory: a warp takes four rows at a
  /// time, so that their loads are under way together. `length` is a multiple of 4.
  template <class Finish>
  REFERENT_DEVICE void multiply(const float* matrix, int x, int rows, int length, Finish finish) {
    const int lane = machine.thread() % kLanes;
    const int warp = machine.thread() / kLanes;
    for (int first = warp * kRowsTogether; first < rows; first += kWarps * kRowsTogether) {
      float sums[kRowsTogether] = {};
#if defined(__CUDACC__)
#pragma unroll 2
#endif
      for (int i = 4 * lane; i < length; i += 4 * kLanes) {
        const Four factor = machine.template load_shared<Four>(x + i * kFloat);
        REFERENT_UNROLL
        for (int k = 0; k < kRowsTogether; ++k) {
          const int row = first + k < rows ? first + k : rows - 1;
          const Four value =
              machine.template load_global<Four>(matrix + static_cast<long long>(row) * length + i);
          sums[k] += value.values[0] * factor.values[0] + value.values[1] * factor.values[1] +
                     value.values[2] * factor.values[2] + value.values[3] * factor.values[3];
        }
      }
      REFERENT_UNROLL
      for (int k = 0; k < kRowsTogether; ++k) {
        const float sum = machine.warp_sum(sums[k]);
        if (lane == 0 && first + k < rows) finish(first + k, sum);
      }
    }
  }
};

}  // namespace referent::kernels
