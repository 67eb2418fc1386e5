// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vectors.h"

namespace referent::ops::winograd {

/// c [Rows, P] = a [Rows, depth] b [depth, P], all of it in registers; added to c where `onto`.
/// Element (row, k) of a lies at a[row * row_stride + k * step].
template <typename Machine, int Rows>
REFERENT_INLINE void multiply_rows(std::int64_t depth, const float* a, std::int64_t row_stride,
                                   std::int64_t step, const float* b, bool onto, float* c) {
  using Vector = typename Machine::Vector;
  constexpr std::int64_t kLane = kLanes<Machine>;
  Vector sums[Rows][2] = {};
#pragma GCC unroll 1
  for (std::int64_t k = 0; k < depth; ++k) {
    const Vector left = at<Machine>(b + k * 2 * kLane);
    const Vector right = at<Machine>(b + k * 2 * kLane + kLane);
#pragma GCC unroll 14
    for (int row = 0; row < Rows; ++row) {
      // x - 0 is x to the compiler, which then loads it into all lanes at once; x + 0 is not.
      const Vector factor = a[row * row_stride + k * step] - Vector{};
      sums[row][0] += factor * left;
      sums[row][1] += factor * right;
    }
  }
#pragma GCC unroll 14
  for (int row = 0; row < Rows; ++row) {
    Vector& left = at<Machine>(c + row * 2 * kLane);
    Vector& right = at<Machine>(c + row * 2 * kLane + kLane);
    left = onto ? left + sums[row][0] : sums[row][0];
    right = onto ? right + sums[row][1] : sums[row][1];
  }
}

}  // namespace referent::ops::winograd
