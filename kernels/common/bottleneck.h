// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/fragment.h"

namespace referent::kernels {

/// The block's rows of the bottleneck z Q [kRowTile, kRank]: each warp sums its quarter in
/// registers, the scaled result lies in shared memory as an A operand, kSteps tiles beside one
/// another.
template <class Math, int kRank>
struct Bottleneck {
  using T = typename Math::Storage;
  static constexpr int kTiles = kRank / 16;  ///< 8-column tiles of a warp
  static constexpr int kSteps = kRank / kStepElements<T>;
  static constexpr int kBytes = kSteps * tile_bytes(kRowTile);
  static constexpr int kCoreBytes = kSteps * tile_bytes(kRank);
  using Sum = float[2][kTiles][4];

  REFERENT_HOST_DEVICE static constexpr int first_column(const WarpPlace& place) {
    return kRank / 2 * place.half;
  }

  /// Address of an element of operand tiles of `rows` rows.
  REFERENT_HOST_DEVICE static constexpr int element(int tiles, int rows, int row, int column) {
    constexpr int kStep = kStepElements<T>;
    return tiles + column / kStep * tile_bytes(rows) +
           byte_offset(row, column % kStep * static_cast<int>(sizeof(T)));
  }

  template <class Machine>
  REFERENT_DEVICE static void store(Machine& machine, Sum& sum, int tiles) {
    const WarpPlace place = warp_place(machine.thread());
    for_each_pair(sum, place.lane, [&](int row, int column, const float* pair) {
      machine.store_shared(element(tiles, kRowTile, place.row + row, first_column(place) + column),
                           Vector<T, 2>{{from_float<T>(pair[0]), from_float<T>(pair[1])}});
    });
  }

  /// Stores the sums as they are into low [B, N, rank], for the backward pass.
  template <class Machine>
  REFERENT_DEVICE static void save(Machine& machine, Sum& sum, const RowMap& rows, int tile, T* low,
                                   int rank) {
    const WarpPlace place = warp_place(machine.thread());
    for_each_pair(sum, place.lane, [&](int row, int column, const float* pair) {
      const RowMap::Place at = rows.at(tile, place.row + row);
      const int first = first_column(place) + column;
      if (!at.valid || first >= rank) return;
      const long long index = static_cast<long long>(at.sample) * rows.tokens + at.token;
      machine.store_global(low + index * rank + first,
                           Vector<T, 2>{{from_float<T>(pair[0]), from_float<T>(pair[1])}});
    });
  }

  /// sum *= core of each row's sample. core [B, rank]
  template <class Machine>
  REFERENT_DEVICE static void scale(Machine& machine, Sum& sum, const RowMap& rows, int tile,
                                    const T* core, int rank) {
    const WarpPlace place = warp_place(machine.thread());
    for_each_pair(sum, place.lane, [&](int row, int column, float* pair) {
      const RowMap::Place at = rows.at(tile, place.row + row);
      const int first = first_column(place) + column;
      if (!at.valid || first >= rank) return;
      const auto factors = machine.template load_global<Vector<T, 2>>(
          core + static_cast<long long>(at.sample) * rank + first);
      pair[0] *= to_float(factors.values[0]);
      pair[1] *= to_float(factors.values[1]);
    });
  }

  /// Brings C^T of one sample into shared memory as a B operand, zero beyond rank. core [rank,
  /// rank]
  template <class Machine>
  REFERENT_DEVICE static void load_core(Machine& machine, const T* core, int rank, int tiles) {
    for (int index = machine.thread(); index < kRank * kRank; index += kThreads) {
      const int k = index / kRank;
      const int n = index % kRank;
      const bool inside = k < rank && n < rank;
      const T value =
          inside ? machine.template load_global<T>(core + k * rank + n) : from_float<T>(0.0F);
      machine.store_shared(element(tiles, kRank, n, k), value);
    }
  }

  /// sum = low C, where `low` and `core` are operand tiles.
  template <class Machine>
  REFERENT_DEVICE static void multiply_core(Machine& machine, Sum& sum, int low, int core) {
    const WarpPlace place = warp_place(machine.thread());
    for_each_pair(sum, place.lane, [](int, int, float* pair) { pair[0] = pair[1] = 0.0F; });
    REFERENT_UNROLL
    for (int step = 0; step < kSteps; ++step) {
      REFERENT_UNROLL
      for (int fragment = 0; fragment < kFragmentsPerRow; ++fragment) {
        Operand<Math, 4> a[2];
        load_a<Math>(machine, a, low + step * tile_bytes(kRowTile), place.row, place.lane,
                     fragment);
        multiply_tile<Math>(machine, sum, a, core + step * tile_bytes(kRank), first_column(place),
                            place.lane, fragment);
      }
    }
  }
};

}  // namespace referent::kernels
