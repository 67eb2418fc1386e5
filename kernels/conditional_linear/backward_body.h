// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/fragment.h"
#include "kernels/common/pipeline.h"
#include "kernels/conditional_linear/params.h"

namespace referent::kernels {

/// Shared memory of the backward kernel in bytes: pipeline slots of dY (A) and P (B) tiles; then,
/// over them, float rows of u, of z Q and of a dense core. P is contiguous along its columns, so a
/// B tile has a row per reduced element. Eight elements of padding put the eight rows of ldmatrix,
/// or the four rows of a float32 fragment, on different banks.
template <class Math, int kRank>
struct BackwardLayout {
  using T = typename Math::Storage;
  static constexpr int kStages = 4;
  static constexpr int kPRow = (kRank + 8) * static_cast<int>(sizeof(T));
  static constexpr int kB = tile_bytes(kRowTile);
  static constexpr int kSlot = kB + kStepElements<T> * kPRow;
  static constexpr int kStride = kRank + 8;  ///< floats from row to row
  static constexpr int kU = 0;
  static constexpr int kLow = kU + 4 * kRowTile * kStride;
  static constexpr int kCore = kLow + 4 * kRowTile * kStride;
  static constexpr int kParts = kThreads / kRank;  ///< of the rows, for a diagonal core's gradient

  REFERENT_HOST_DEVICE static constexpr int bytes(bool dense) {
    const int pipeline = kStages * kSlot;
    const int rows = kCore + 4 * (dense ? kRank * kStride : kThreads);
    return pipeline > rows ? pipeline : rows;
  }
};

/// A matrix of floats in shared memory.
struct SharedMatrix {
  int offset;       ///< bytes
  int row, column;  ///< strides in floats

  REFERENT_HOST_DEVICE constexpr SharedMatrix transposed() const { return {offset, column, row}; }
};

/// One block of the backward pass: kRowTile rows of one sample. See LowRankBackwardParams.
template <class Machine, class Math, int kRank>
struct LowRankBackward {
  using T = typename Math::Storage;
  using Layout = BackwardLayout<Math, kRank>;
  static constexpr int kStep = kStepElements<T>;
  static constexpr int kChunk = kChunkBytes / sizeof(T);
  static constexpr int kTiles = kRank / 16;

  Machine& machine;
  const LowRankBackwardParams& params;
  RowMap rows;
  int tile;
  float u[2][kTiles][4] = {};

  REFERENT_HOST_DEVICE static constexpr RowMap row_map(const LowRankBackwardParams& params) {
    return {params.batch, params.tokens, false};
  }

  REFERENT_DEVICE LowRankBackward(Machine& block, const LowRankBackwardParams& problem)
      : machine(block), params(problem), rows(row_map(problem)), tile(block.block()) {}

  REFERENT_DEVICE void run() {
    run_pipeline<Layout::kStages>(
        machine, ceil_div(params.outputs, kStep),
        [&](int step, int slot) { copy_step(step * kStep, slot * Layout::kSlot); },
        [&](int, int slot) { multiply_step(slot * Layout::kSlot); });
    spread_u();
    load_rows();
    if (params.dense) {
      load_core();
      machine.sync();
      dense_gradients();
    } else {
      machine.sync();
      diagonal_gradients();
    }
  }

 private:
  REFERENT_DEVICE void copy_step(int begin, int slot) {
    const T* gradient = static_cast<const T*>(params.y_gradient.data);
    copy_tile<kRowTile>(machine, slot, [&](int row, int chunk, int) {
      const RowMap::Place at = rows.at(tile, row);
      const int first = begin + kChunk * chunk;
      const int bytes = at.valid ? valid_bytes(params.outputs, first, sizeof(T)) : 0;
      const long long offset = at.sample * params.y_gradient.batch_stride +
                               at.token * params.y_gradient.row_stride + first;
      return ChunkSource{bytes > 0 ? gradient + offset : gradient, bytes};
    });
    constexpr int kChunks = kRank / kChunk;  // of a row of P
    const RowMajor<T> p{static_cast<const T*>(params.p), params.p_stride, params.outputs,
                        params.rank};
    for (int index = machine.thread(); index < kStep * kChunks; index += kThreads) {
      const int row = index / kChunks;
      const int chunk = index % kChunks;
      const ChunkSource from = p.chunk(begin + row, kChunk * chunk);
      machine.copy_chunk(slot + Layout::kB + row * Layout::kPRow + chunk * kChunkBytes,
                         from.address, from.bytes);
    }
  }

  REFERENT_DEVICE void multiply_step(int slot) {
    const WarpPlace place = warp_place(machine.thread());
    REFERENT_UNROLL
    for (int fragment = 0; fragment < kFragmentsPerRow; ++fragment) {
      Operand<Math, 4> a[2];
      load_a<Math>(machine, a, slot, place.row, place.lane, fragment);
      REFERENT_UNROLL
      for (int n = 0; n < kTiles; n += 2) {
        std::uint32_t raw[4];
        load_p(raw, slot + Layout::kB, fragment, kRank / 2 * place.half + 8 * n, place.lane);
        const Operand<Math, 2> b0 = prepare<Math>({raw[0], raw[1]});
        const Operand<Math, 2> b1 = prepare<Math>({raw[2], raw[3]});
        REFERENT_UNROLL
        for (int i = 0; i < 2; ++i) {
          multiply_add<Math>(machine, u[i][n], a[i], b0);
          multiply_add<Math>(machine, u[i][n + 1], a[i], b1);
        }
      }
    }
  }

  /// B fragments of columns `column` to `column` + 15 from a tile with a row per reduced element.
  REFERENT_DEVICE void load_p(std::uint32_t (&raw)[4], int b, int fragment, int column, int lane) {
    if constexpr (sizeof(T) == 2) {
      const int row = 16 * fragment + (lane & 15);
      machine.ldmatrix_transposed(raw, b + row * Layout::kPRow + 2 * (column + 8 * (lane >> 4)));
    } else {
      REFERENT_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int row = 8 * fragment + (lane & 3) + 4 * (i & 1);
        raw[i] = machine.template load_shared<std::uint32_t>(
            b + row * Layout::kPRow + 4 * (column + 8 * (i >> 1) + (lane >> 2)));
      }
    }
  }

  REFERENT_HOST_DEVICE static constexpr SharedMatrix u_rows() {
    return {Layout::kU, Layout::kStride, 1};
  }
  REFERENT_HOST_DEVICE static constexpr SharedMatrix low_rows() {
    return {Layout::kLow, Layout::kStride, 1};
  }
  REFERENT_HOST_DEVICE static constexpr SharedMatrix core_rows() {
    return {Layout::kCore, Layout::kStride, 1};
  }

  REFERENT_DEVICE float at(const SharedMatrix& matrix, int row, int column) {
    return machine.template load_shared<float>(matrix.offset +
                                               4 * (row * matrix.row + column * matrix.column));
  }

  REFERENT_DEVICE void spread_u() {
    const WarpPlace place = warp_place(machine.thread());
    for_each_pair(u, place.lane, [&](int row, int column, const float* pair) {
      const int index = (place.row + row) * Layout::kStride + kRank / 2 * place.half + column;
      machine.store_shared(Layout::kU + 4 * index, Vector<float, 2>{{pair[0], pair[1]}});
    });
  }

  REFERENT_DEVICE long long row_of(const RowMap::Place& place) const {
    return static_cast<long long>(place.sample) * params.tokens + place.token;
  }

  REFERENT_DEVICE void load_rows() {
    const T* low = static_cast<const T*>(params.low);
    for (int index = machine.thread(); index < kRowTile * kRank; index += kThreads) {
      const int row = index / kRank;
      const int column = index % kRank;
      const RowMap::Place place = rows.at(tile, row);
      const bool inside = place.valid && column < params.rank;
      const float value = inside ? to_float(machine.template load_global<T>(
                                       low + row_of(place) * params.rank + column))
                                 : 0.0F;
      machine.store_shared(Layout::kLow + 4 * (row * Layout::kStride + column), value);
    }
  }

  REFERENT_DEVICE const T* core_of_sample() const {
    const long long size = static_cast<long long>(params.rank) * (params.dense ? params.rank : 1);
    return static_cast<const T*>(params.core) + rows.at(tile, 0).sample * size;
  }

  REFERENT_DEVICE void load_core() {
    const T* core = core_of_sample();
    for (int index = machine.thread(); index < kRank * kRank; index += kThreads) {
      const int row = index / kRank;
      const int column = index % kRank;
      const bool inside = row < params.rank && column < params.rank;
      const float value =
          inside ? to_float(machine.template load_global<T>(core + row * params.rank + column))
                 : 0.0F;
      machine.store_shared(Layout::kCore + 4 * (row * Layout::kStride + column), value);
    }
  }

  /// Calls store(row, column, (a b)(row, column)) for every element of [kRows, kRank].
  template <int kRows, class Store>
  REFERENT_DEVICE void multiply(const SharedMatrix& a, const SharedMatrix& b, int depth,
                                Store store) {
    const int row = machine.thread() / 8;
    const int column = machine.thread() % 8;
    float sum[kRows / 16][kRank / 8] = {};
    for (int k = 0; k < depth; ++k) {
      float left[kRows / 16];
      REFERENT_UNROLL
      for (int i = 0; i < kRows / 16; ++i) left[i] = at(a, row + 16 * i, k);
      REFERENT_UNROLL
      for (int j = 0; j < kRank / 8; ++j) {
        const float right = at(b, k, column + 8 * j);
        REFERENT_UNROLL
        for (int i = 0; i < kRows / 16; ++i) sum[i][j] += left[i] * right;
      }
    }
    REFERENT_UNROLL
    for (int i = 0; i < kRows / 16; ++i) {
      REFERENT_UNROLL
      for (int j = 0; j < kRank / 8; ++j) store(row + 16 * i, column + 8 * j, sum[i][j]);
    }
  }

  REFERENT_DEVICE void store_element(void* target, int row, int column, float value) {
    const RowMap::Place place = rows.at(tile, row);
    if (target == nullptr || !place.valid || column >= params.rank) return;
    machine.store_global(static_cast<T*>(target) + row_of(place) * params.rank + column,
                         from_float<T>(value));
  }

  REFERENT_DEVICE void dense_gradients() {
    multiply<kRowTile>(u_rows(), core_rows().transposed(), kRank,
                       [&](int row, int column, float value) {
                         store_element(params.low_gradient, row, column, value);
                       });
    if (params.scaled_low != nullptr) {
      multiply<kRowTile>(low_rows(), core_rows(), kRank, [&](int row, int column, float value) {
        store_element(params.scaled_low, row, column, value);
      });
    }
    float* partial = params.workspace + static_cast<long long>(tile) * params.rank * params.rank;
    multiply<kRank>(low_rows().transposed(), u_rows(), kRowTile,
                    [&](int row, int column, float value) {
                      if (row < params.rank && column < params.rank) {
                        machine.store_global(partial + row * params.rank + column, value);
                      }
                    });
  }

  REFERENT_DEVICE void diagonal_gradients() {
    const int column = machine.thread() % kRank;
    const int part = machine.thread() / kRank;
    const bool inside = column < params.rank;
    const float factor =
        inside ? to_float(machine.template load_global<T>(core_of_sample() + column)) : 0.0F;
    float sum = 0;
    constexpr int kRows = kRowTile / Layout::kParts;
    for (int row = part * kRows; row < (part + 1) * kRows; ++row) {
      const float gradient = at(u_rows(), row, column);
      const float low = at(low_rows(), row, column);
      sum += gradient * low;
      store_element(params.low_gradient, row, column, gradient * factor);
      store_element(params.scaled_low, row, column, low * factor);
    }
    machine.store_shared(Layout::kCore + 4 * machine.thread(), sum);
    machine.sync();
    if (part != 0 || !inside) return;
    for (int other = 1; other < Layout::kParts; ++other) {
      sum += machine.template load_shared<float>(Layout::kCore + 4 * (other * kRank + column));
    }
    machine.store_global(params.workspace + static_cast<long long>(tile) * params.rank + column,
                         sum);
  }
};

/// Sums the blocks' shares of the core gradient, a thread per element, in the order of the tiles.
template <class Machine, class T>
struct CoreGradientSum {
  REFERENT_HOST_DEVICE static constexpr int elements(const LowRankBackwardParams& params) {
    return params.rank * (params.dense ? params.rank : 1);
  }
  REFERENT_HOST_DEVICE static constexpr int blocks(const LowRankBackwardParams& params) {
    return ceil_div(params.batch * elements(params), kThreads);
  }

  REFERENT_DEVICE static void run(Machine& machine, const LowRankBackwardParams& params) {
    const int size = elements(params);
    const int index = machine.block() * kThreads + machine.thread();
    if (index >= params.batch * size) return;
    const int tiles = ceil_div(params.tokens, kRowTile);
    const float* partial =
        params.workspace + static_cast<long long>(index / size) * tiles * size + index % size;
    float sum = 0;
    for (int i = 0; i < tiles; ++i) {
      sum += machine.template load_global<float>(partial + static_cast<long long>(i) * size);
    }
    machine.store_global(static_cast<T*>(params.core_gradient) + index, from_float<T>(sum));
  }
};

}  // namespace referent::kernels
