// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/common/numbers.h"
#include "kernels/common/tile.h"

/// One warp's share of a product. `Machine` is the hardware (cuda_machine.cuh) or the emulator of
/// tests/kernels; shared memory is addressed by bytes from the start of the block's.
namespace referent::kernels {

/// An operand of mma, split into the parts that Math multiplies.
template <class Math, int N>
struct Operand {
  std::uint32_t parts[Math::kParts][N];
};

template <class Math, int N>
REFERENT_DEVICE Operand<Math, N> prepare(const std::uint32_t (&raw)[N]) {
  Operand<Math, N> operand;
  REFERENT_UNROLL
  for (int i = 0; i < N; ++i) {
    if constexpr (sizeof(typename Math::Storage) == 2) {
      operand.parts[0][i] = raw[i];
    } else {
      operand.parts[0][i] = round_tf32(raw[i]);
      if constexpr (Math::kParts == 2) {
        const float rest = bits_float(raw[i]) - bits_float(operand.parts[0][i]);
        operand.parts[1][i] = round_tf32(float_bits(rest));
      }
    }
  }
  return operand;
}

/// sum [16, 8] += a [16, 32 bytes] b^T [8, 32 bytes]
template <class Math, class Machine>
REFERENT_DEVICE void multiply_add(Machine& machine, float (&sum)[4], const Operand<Math, 4>& a,
                                  const Operand<Math, 2>& b) {
  if constexpr (Math::kParts == 2) {
    // Tensor cores cut off what they add to a larger sum; a long sum of theirs drifts. So they add
    // eight products, and the sum of those is rounded to nearest.
    float part[4] = {};
    machine.template mma<Math>(part, a.parts[1], b.parts[0]);
    machine.template mma<Math>(part, a.parts[0], b.parts[1]);
    machine.template mma<Math>(part, a.parts[0], b.parts[0]);
    REFERENT_UNROLL
    for (int i = 0; i < 4; ++i) sum[i] += part[i];
  } else {
    machine.template mma<Math>(sum, a.parts[0], b.parts[0]);
  }
}

/// Where this thread's warp works: rows from `row`, and half `half` of the columns.
struct WarpPlace {
  int lane, row, half;
};
REFERENT_HOST_DEVICE constexpr WarpPlace warp_place(int thread) {
  return {thread & 31, (thread >> 5 & 1) * kWarpRows, thread >> 6};
}

/// A fragments of the warp's 32 rows: bytes 32 fragment.. of rows `row`.. of a tile.
template <class Math, class Machine>
REFERENT_DEVICE void load_a(Machine& machine, Operand<Math, 4> (&a)[2], int tile, int row, int lane,
                            int fragment) {
  const LaneChunk place = a_lane_chunk(lane);
  REFERENT_UNROLL
  for (int i = 0; i < 2; ++i) {
    std::uint32_t raw[4];
    machine.ldmatrix(raw,
                     tile + chunk_offset(row + 16 * i + place.row, 2 * fragment + place.chunk));
    a[i] = prepare<Math>(raw);
  }
}

/// sum [32, 8 kTiles] += a b^T, b: rows `row`.. of a tile that is K-major.
template <class Math, int kTiles, class Machine>
REFERENT_DEVICE void multiply_tile(Machine& machine, float (&sum)[2][kTiles][4],
                                   const Operand<Math, 4> (&a)[2], int tile, int row, int lane,
                                   int fragment) {
  static_assert(kTiles % 2 == 0, "ldmatrix.x4 brings two");
  const LaneChunk place = b_lane_chunk(lane);
  REFERENT_UNROLL
  for (int n = 0; n < kTiles; n += 2) {
    std::uint32_t raw[4];
    machine.ldmatrix(raw, tile + chunk_offset(row + 8 * n + place.row, 2 * fragment + place.chunk));
    const Operand<Math, 2> b0 = prepare<Math>({raw[0], raw[1]});
    const Operand<Math, 2> b1 = prepare<Math>({raw[2], raw[3]});
    REFERENT_UNROLL
    for (int i = 0; i < 2; ++i) {
      multiply_add<Math>(machine, sum[i][n], a[i], b0);
      multiply_add<Math>(machine, sum[i][n + 1], a[i], b1);
    }
  }
}

/// Calls visit(row, column, pair) for the pairs of neighbouring columns that this lane holds of a
/// [32, 8 kTiles] sum; `pair` is a float*.
template <int kTiles, class Visit>
REFERENT_DEVICE void for_each_pair(float (&sum)[2][kTiles][4], int lane, Visit visit) {
  REFERENT_UNROLL
  for (int i = 0; i < 2; ++i) {
    REFERENT_UNROLL
    for (int n = 0; n < kTiles; ++n) {
      REFERENT_UNROLL
      for (int h = 0; h < 2; ++h) {
        visit(16 * i + accumulator_row(lane, h), 8 * n + accumulator_column(lane),
              &sum[i][n][2 * h]);
      }
    }
  }
}

}  // namespace referent::kernels
