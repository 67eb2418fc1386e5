// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/numbers.h"
#include "kernels/inference/relative_features.h"

namespace referent::kernels {

/// What the kernel does with each 16 bytes of a query, a key or a value.
template <class T>
class RelativeFeatures {
 public:
  static constexpr int kChunk = 16 / static_cast<int>(sizeof(T));

  REFERENT_DEVICE explicit RelativeFeatures(const RelativeFeaturesParams& params)
      : params_(params),
        feature_chunks_(params.features / kChunk),
        depth_chunks_(params.depth / kChunk),
        chunks_(2 * feature_chunks_ + depth_chunks_) {}

  /// Pieces of 16 bytes that a cell of a window has.
  REFERENT_DEVICE int pieces() const { return params_.heads * chunks_; }

  /// Writes a piece of a window's cell, the cells counted row by row.
  REFERENT_DEVICE void write(int sample, int window, int place_in_window, int piece) const {
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
      store(params_.q, place * feature_chunks_ + chunk,
            chunk < depth_chunks_ ? part(0, cell, head, chunk) : scores(cell, head, y, x, chunk));
    } else if (chunk < 2 * feature_chunks_) {
      const int c = chunk - feature_chunks_;
      store(params_.k, place * feature_chunks_ + c,
            c < depth_chunks_ ? part(1, cell, head, c) : ones(y, x, c));
    } else {
      const int c = chunk - 2 * feature_chunks_;
      store(params_.v, place * depth_chunks_ + c, part(2, cell, head, c));
    }
  }

 private:
  using Values = Vector<T, kChunk>;

  REFERENT_DEVICE static void store(void* to, long long chunk, const Values& values) {
    static_cast<Values*>(to)[chunk] = values;
  }

  /// Of a cell's queries (0), keys (1) or values (2).
  REFERENT_DEVICE Values part(int which, int cell, int head, int chunk) const {
    const T* from = static_cast<const T*>(params_.qkv) + cell * params_.row_stride +
                    (static_cast<long long>(which) * params_.heads + head) * params_.depth;
    return reinterpret_cast<const Values*>(from)[chunk];
  }

  REFERENT_DEVICE Values scores(int cell, int head, int y, int x, int chunk) const {
    const int side = params_.side;
    const long long cells = static_cast<long long>(params_.batch) * params_.height * params_.width;
    const T* from = static_cast<const T*>(params_.scores) + (head * cells + cell) * params_.offsets;
    Values values;
    REFERENT_UNROLL
    for (int i = 0; i < kChunk; ++i) {
      const int feature = chunk * kChunk + i - params_.depth;
      const bool of_row = feature < side;
      const int offset = of_row ? side - 1 - y + feature : 3 * side - 2 - x + feature - side;
      values.values[i] = feature < 2 * side ? from[offset] : from_float<T>(0.0F);
    }
    return values;
  }

  REFERENT_DEVICE Values ones(int y, int x, int chunk) const {
    Values values;
    REFERENT_UNROLL
    for (int i = 0; i < kChunk; ++i) {
      const int feature = chunk * kChunk + i - params_.depth;
      values.values[i] = from_float<T>(feature == y || feature == params_.side + x ? 1.0F : 0.0F);
    }
    return values;
  }

  const RelativeFeaturesParams& params_;
  int feature_chunks_, depth_chunks_, chunks_;
};

}  // namespace referent::kernels
