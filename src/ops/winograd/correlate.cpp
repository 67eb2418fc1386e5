// SPDX-License-Identifier: Apache-2.0
#include "entries.h"

#if defined(__x86_64__)

#include "gather.h"

namespace referent::ops::winograd {
namespace {

template <typename Machine>
REFERENT_INLINE void gather(const Geometry& geometry, std::int64_t first, std::int64_t tiles,
                            std::int64_t begin, std::int64_t end, const float* x,
                            const float* gradient, float* inputs, float* outputs) {
  const std::int64_t input_stride = Kernels::stride(tiles, geometry.input);
  const std::int64_t output_stride = Kernels::stride(tiles, kPanel<Machine>);
  for (std::int64_t t = begin; t < end; ++t) {
    gather_tile<Machine, InputTile<GradientTile::kRows>>(geometry, first + t, x, geometry.input,
                                                         inputs + t * geometry.input, input_stride,
                                                         kPanel<Machine>);
    gather_tile<Machine, GradientTile>(geometry, first + t, gradient, geometry.output,
                                       outputs + t * kPanel<Machine>, output_stride,
                                       geometry.points() * output_stride);
  }
}

/// c [Rows, P] = a [tiles, Rows]^T b [tiles, P], all of it in registers; a's rows lie C apart.
template <typename Machine, int Rows>
REFERENT_INLINE void multiply_rows(std::int64_t tiles, const float* a, std::int64_t a_stride,
                                   const float* b, bool onto, float* c) {
  using Vector = typename Machine::Vector;
  constexpr std::int64_t kLane = kLanes<Machine>;
  Vector sums[Rows][2] = {};
#pragma GCC unroll 1
  for (std::int64_t t = 0; t < tiles; ++t) {
    const Vector left = at<Machine>(b + t * 2 * kLane);
    const Vector right = at<Machine>(b + t * 2 * kLane + kLane);
#pragma GCC unroll 14
    for (int row = 0; row < Rows; ++row) {
      const Vector factor = Vector{} + a[t * a_stride + row];
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

template <typename Machine>
REFERENT_INLINE void correlate(const Geometry& geometry, std::int64_t tiles, std::int64_t begin,
                               std::int64_t end, const float* inputs, const float* outputs,
                               bool onto, float* sums) {
  // A panel's channels in blocks that fit in registers: 32 as 8 + 12 + 12, 16 as 4 + 6 + 6.
  constexpr int kBlock = kPanel<Machine> * 3 / 8;
  constexpr int kFirst = kPanel<Machine> - 2 * kBlock;
  const std::int64_t input_stride = Kernels::stride(tiles, geometry.input);
  const std::int64_t output_stride = Kernels::stride(tiles, kPanel<Machine>);
  const std::int64_t panels = geometry.output / kPanel<Machine>;
  for (std::int64_t point = begin; point < end; ++point) {
    const float* a = inputs + point * input_stride;
    for (std::int64_t panel = 0; panel < panels; ++panel) {
      const float* b = outputs + (panel * geometry.points() + point) * output_stride;
      float* c = sums + (panel * geometry.points() + point) * geometry.input * kPanel<Machine>;
      for (std::int64_t row = 0; row < geometry.input; row += kPanel<Machine>) {
        multiply_rows<Machine, kFirst>(tiles, a + row, geometry.input, b, onto,
                                       c + row * kPanel<Machine>);
        for (std::int64_t part = row + kFirst; part < row + kPanel<Machine>; part += kBlock) {
          multiply_rows<Machine, kBlock>(tiles, a + part, geometry.input, b, onto,
                                         c + part * kPanel<Machine>);
        }
      }
    }
  }
}

}  // namespace

REFERENT_WIDE void gather_wide(const Geometry& geometry, std::int64_t first, std::int64_t tiles,
                               std::int64_t begin, std::int64_t end, const float* x,
                               const float* gradient, float* inputs, float* outputs) {
  gather<Wide>(geometry, first, tiles, begin, end, x, gradient, inputs, outputs);
}
REFERENT_NARROW void gather_narrow(const Geometry& geometry, std::int64_t first, std::int64_t tiles,
                                   std::int64_t begin, std::int64_t end, const float* x,
                                   const float* gradient, float* inputs, float* outputs) {
  gather<Narrow>(geometry, first, tiles, begin, end, x, gradient, inputs, outputs);
}

REFERENT_WIDE void correlate_wide(const Geometry& geometry, std::int64_t tiles, std::int64_t begin,
                                  std::int64_t end, const float* inputs, const float* outputs,
                                  bool onto, float* sums) {
  correlate<Wide>(geometry, tiles, begin, end, inputs, outputs, onto, sums);
}
REFERENT_NARROW void correlate_narrow(const Geometry& geometry, std::int64_t tiles,
                                      std::int64_t begin, std::int64_t end, const float* inputs,
                                      const float* outputs, bool onto, float* sums) {
  correlate<Narrow>(geometry, tiles, begin, end, inputs, outputs, onto, sums);
}

}  // namespace referent::ops::winograd

#endif
