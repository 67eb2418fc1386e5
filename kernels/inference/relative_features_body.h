// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/inference/chunk.h"
#include "kernels/inference/params.h"

namespace referent::kernels {

/// A block a cell of a window, a thread a chunk of one of its queries, keys and values.
template <class Machine, class T>
class RelativeFeatures {
 public:
  static constexpr int kThreads = 256;
  static constexpr int kSharedBytes = 0;

  REFERENT_DEVICE RelativeFeatures(Machine& block, const RelativeFeaturesParams& problem)
      : machine_(block),
        params_(problem),
        feature_chunks_(problem.features / kElements),
        depth_chunks_(problem.depth / kElements),
        chunks_(2 * feature_chunks_ + depth_chunks_) {}

  /// The windows of a sample and the cells of a window are counted row by row.
  REFERENT_DEVICE void run(int sample, int window, int place) {
    for (int piece = machine_.thread(); piece < params_.heads * chunks_; piece += kThreads) {
      write(sample, window, place, piece);
    }
  }

 private:
  static constexpr int kElements = kChunkElements<T>;

  REFERENT_DEVICE void write(int sample, int window, int place_in_window, int piece) {
    const int side = params_.side;
    const int x = place_in_window % side;
    const int y = place_in_window / side;
    const int across = params_.width / side;
    const int line = sample * params_.height + window / across * side + y;
    const int cell = line * params_.width + window % across * side + x;
    const int windows = across * (params_.height / side);
    const long long out_cell =
        (static_cast<long long>(sample) * windows + window) * side * side + place_in_window;
    const int chunk = piece % chunks_;
    const int head = piece / chunks_;

    const long long place = out_cell * params_.heads + head;
    if (chunk < feature_chunks_) {
      store_chunk<T>(
          machine_, params_.q, place * feature_chunks_ + chunk,
          chunk < depth_chunks_ ? part(0, cell, head, chunk) : scores(cell, head, y, x, chunk));
    } else if (chunk < 2 * feature_chunks_) {
      const int c = chunk - feature_chunks_;
      store_chunk<T>(machine_, params_.k, place * feature_chunks_ + c,
                     c < depth_chunks_ ? part(1, cell, head, c) : ones(y, x, c));
    } else {
      const int c = chunk - 2 * feature_chunks_;
      store_chunk<T>(machine_, params_.v, place * depth_chunks_ + c, part(2, cell, head, c));
    }
  }

  /// Of a cell's queries (0), keys (1) or values (2).
  REFERENT_DEVICE Chunk<T> part(int which, int cell, int head, int chunk) {
    const T* from = static_cast<const T*>(params_.qkv) + cell * params_.row_stride +
                    (static_cast<long long>(which) * params_.heads + head) * params_.depth;
    return load_chunk<T>(machine_, from, chunk);
  }

  REFERENT_DEVICE Chunk<T> scores(int cell, int head, int y, int x, int chunk) {
    const int side = params_.side;
    const long long cells = static_cast<long long>(params_.batch) * params_.height * params_.width;
    const T* from = static_cast<const T*>(params_.scores) + (head * cells + cell) * params_.offsets;
    Chunk<T> values;
    REFERENT_UNROLL
    for (int i = 0; i < kElements; ++i) {
      const int feature = chunk * kElements + i - params_.depth;
      const bool of_row = feature < side;
      const int offset = of_row ? side - 1 - y + feature : 3 * side - 2 - x + feature - side;
      values.values[i] = feature < 2 * side ? machine_.template load_global<T>(from + offset)
                                            : from_float<T>(0.0F);
    }
    return values;
  }

  REFERENT_DEVICE Chunk<T> ones(int y, int x, int chunk) const {
    Chunk<T> values;
    REFERENT_UNROLL
    for (int i = 0; i < kElements; ++i) {
      const int feature = chunk * kElements + i - params_.depth;
      values.values[i] = from_float<T>(feature == y || feature == params_.side + x ? 1.0F : 0.0F);
    }
    return values;
  }

  Machine& machine_;
  const RelativeFeaturesParams& params_;
  int feature_chunks_, depth_chunks_, chunks_;
};

}  // namespace referent::kernels
