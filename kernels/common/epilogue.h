// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/fragment.h"

namespace referent::kernels {

/// Added to an output [B, N, M]; a stride of 0 broadcasts. Null: nothing is added.
template <class T>
struct Addend {
  const T* data;
  long long batch_stride, row_stride;
};

/// Where the output lies, in elements.
template <class T>
struct OutputRows {
  T* data;
  long long batch_stride, row_stride;
};

/// Stores the block's sums [kRowTile, kColumnTile] plus both addends as columns from `column` of an
/// output of `columns` columns (a multiple of 4). Sums pass through `staging` in shared memory so
/// that global accesses are whole lines. The caller lets all threads meet before and after.
template <class T, class Machine>
REFERENT_DEVICE void store_output(Machine& machine, float (&sum)[2][8][4], int staging,
                                  const RowMap& rows, int tile, int column, int columns,
                                  const Addend<T>& bias, const Addend<T>& residual,
                                  const OutputRows<T>& output) {
  using Pair = Vector<float, 2>;
  using Floats = Vector<float, 4>;
  using Elements = Vector<T, 4>;
  const WarpPlace place = warp_place(machine.thread());
  for_each_pair(sum, place.lane, [&](int row, int pair_column, const float* pair) {
    const int at = (place.row + row) * kStagingStride + kColumnTile / 2 * place.half + pair_column;
    machine.store_shared(staging + 4 * at, Pair{{pair[0], pair[1]}});
  });
  machine.sync();

  constexpr int kGroups = kColumnTile / 4;  // a warp covers a row
  const int group = machine.thread() % kGroups;
  const int first = column + 4 * group;
  if (first >= columns) return;
  REFERENT_UNROLL
  for (int i = 0; i < kRowTile / (kThreads / kGroups); ++i) {
    const int row = machine.thread() / kGroups + kThreads / kGroups * i;
    const RowMap::Place at = rows.at(tile, row);
    if (!at.valid) continue;
    Floats value =
        machine.template load_shared<Floats>(staging + 4 * (row * kStagingStride + 4 * group));
    const auto add = [&](const Addend<T>& addend) {
      if (addend.data == nullptr) return;
      const Elements more = machine.template load_global<Elements>(
          addend.data + at.sample * addend.batch_stride + at.token * addend.row_stride + first);
      REFERENT_UNROLL
      for (int j = 0; j < 4; ++j) value.values[j] += to_float(more.values[j]);
    };
    add(bias);
    add(residual);
    Elements result;
    REFERENT_UNROLL
    for (int j = 0; j < 4; ++j) result.values[j] = from_float<T>(value.values[j]);
    machine.store_global(
        output.data + at.sample * output.batch_stride + at.token * output.row_stride + first,
        result);
  }
}

}  // namespace referent::kernels
