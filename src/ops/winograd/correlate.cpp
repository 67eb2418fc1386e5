// SPDX-License-Identifier: Apache-2.0
#include "entries.h"

#if defined(__x86_64__)

#include "gather.h"
#include "product.h"

namespace referent::ops::winograd {
namespace {

template <typename Machine>
REFERENT_INLINE void gather(const Geometry& geometry, std::int64_t first, std::int64_t tiles,
                            std::int64_t begin, std::int64_t end, const float* x,
                            const float* gradient, float* inputs, float* outputs) {
  const std::int64_t input_stride = Kernels::stride(tiles, geometry.input);
  const std::int64_t output_stride = Kernels::stride(tiles, kPanel<Machine>);
  for (std::int64_t t = begin; t < end; ++t) {
    gather_tile<Machine, InputTile<GradientTile::kRows>>(
        geometry, first + t, x, geometry.input, geometry.input, inputs + t * geometry.input,
        input_stride, kPanel<Machine>);
    gather_tile<Machine, GradientTile>(geometry, first + t, gradient, geometry.output,
                                       geometry.output, outputs + t * kPanel<Machine>,
                                       output_stride, geometry.points() * output_stride);
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
        multiply_rows<Machine, kFirst>(tiles, a + row, /*row_stride=*/1, geometry.input, b, onto,
                                       c + row * kPanel<Machine>);
        for (std::int64_t part = row + kFirst; part < row + kPanel<Machine>; part += kBlock) {
          multiply_rows<Machine, kBlock>(tiles, a + part, /*row_stride=*/1, geometry.input, b, onto,
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
