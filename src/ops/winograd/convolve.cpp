// SPDX-License-Identifier: Apache-2.0
#include "entries.h"

#if defined(__x86_64__)

#include "gather.h"
#include "product.h"

namespace referent::ops::winograd {
namespace {

/// multiply_rows() of so many rows as a number of the program.
template <typename Machine, int Rows = Machine::kRows>
REFERENT_INLINE void multiply_some(std::int64_t rows, const float* a, const float* b,
                                   std::int64_t depth, bool onto, float* c) {
  if (rows == Rows) {
    multiply_rows<Machine, Rows>(depth, a, /*row_stride=*/depth, /*step=*/1, b, onto, c);
  } else if constexpr (Rows > 1) {
    multiply_some<Machine, Rows - 1>(rows, a, b, depth, onto, c);
  }
}

/// c [rows, P] = a [rows, K] b [K, P]; added to c where `onto`.
template <typename Machine>
REFERENT_INLINE void multiply(std::int64_t rows, const float* a, const float* b, std::int64_t depth,
                              bool onto, float* c) {
  const std::int64_t blocks = (rows + Machine::kRows - 1) / Machine::kRows;
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::int64_t begin = rows * block / blocks;
    const std::int64_t end = rows * (block + 1) / blocks;
    multiply_some<Machine>(end - begin, a + begin * depth, b, depth, onto,
                           c + begin * 2 * kLanes<Machine>);
  }
}

/// One panel of the tiles' outputs from their points: point p of tile t lies at
/// from[p * stride + t * P].
template <typename Machine, int Height>
REFERENT_INLINE void scatter(const Geometry& geometry, const Part& part, std::int64_t panel,
                             const float* from, std::int64_t stride, const Epilogue& epilogue,
                             float* y) {
  using Vector = typename Machine::Vector;
  constexpr std::int64_t kLane = kLanes<Machine>;
  constexpr int kPointRows = Height + kTaps - 1;
  for (std::int64_t t = 0; t < part.tiles; ++t) {
    const Place place(geometry, part.first_tile + t);
    for (std::int64_t half = 0; half < 2; ++half) {
      const std::int64_t channel = (panel * 2 + half) * kLane;
      const float* of_tile = from + (t * 2 + half) * kLane;
      Vector columns[kPointColumns][Height];
#pragma GCC unroll 6
      for (std::int64_t j = 0; j < kPointColumns; ++j) {
        Vector column[kPointRows];
#pragma GCC unroll 6
        for (std::int64_t i = 0; i < kPointRows; ++i) {
          column[i] = at<Machine>(of_tile + (i * kPointColumns + j) * stride);
        }
        transform_output(column, columns[j]);
      }
      const Vector bias =
          epilogue.bias != nullptr ? at<Machine>(epilogue.bias + channel) : Vector{};
#pragma GCC unroll 4
      for (std::int64_t i = 0; i < Height; ++i) {
        if (place.y + i >= geometry.height) break;
        const Vector row[kPointColumns] = {columns[0][i], columns[1][i], columns[2][i],
                                           columns[3][i], columns[4][i], columns[5][i]};
        Vector outputs[kTileWidth];
        transform_output(row, outputs);
        float* pixel = y +
                       ((place.image * geometry.height + place.y + i) * geometry.width + place.x) *
                           geometry.output +
                       channel;
#pragma GCC unroll 4
        for (std::int64_t j = 0; j < kTileWidth; ++j) {
          if (place.x + j >= geometry.width) break;
          Vector& output = at<Machine>(pixel + j * geometry.output);
          Vector value = outputs[j] + bias;
          if (epilogue.onto) value += output;
          if (epilogue.relu) value = value < 0 ? Vector{} : value;  // not a number stays one
          output = value;
        }
      }
    }
  }
}

template <typename Machine, int Height>
REFERENT_INLINE void convolve_tiles(const Geometry& geometry, const Part& part, const float* x,
                                    const float* packed, const Epilogue& epilogue, float* scratch,
                                    float* y) {
  const std::int64_t stride = Kernels::stride(part.tiles, geometry.input);
  const std::int64_t sum_stride = Kernels::stride(part.tiles, kPanel<Machine>);
  const std::int64_t points = geometry.points();
  float* sums = scratch + points * stride;
  for (std::int64_t t = 0; t < part.tiles; ++t) {
    gather_tile<Machine, InputTile<Height>>(geometry, part.first_tile + t, x, geometry.input,
                                            geometry.input, scratch + t * geometry.input, stride,
                                            kPanel<Machine>);
  }
  for (std::int64_t panel = part.first_panel; panel < part.first_panel + part.panels; ++panel) {
    for (std::int64_t point = 0; point < points; ++point) {
      multiply<Machine>(part.tiles, scratch + point * stride,
                        packed + (panel * points + point) * geometry.input * kPanel<Machine>,
                        geometry.input, /*onto=*/false, sums + point * sum_stride);
    }
    scatter<Machine, Height>(geometry, part, panel, sums, sum_stride, epilogue, y);
  }
}

template <typename Machine>
REFERENT_INLINE void convolve(const Geometry& geometry, const Part& part, const float* x,
                              const float* packed, const Epilogue& epilogue, float* scratch,
                              float* y) {
  if (geometry.tile_height == 2) {
    convolve_tiles<Machine, 2>(geometry, part, x, packed, epilogue, scratch, y);
  } else {
    convolve_tiles<Machine, 4>(geometry, part, x, packed, epilogue, scratch, y);
  }
}

template <typename Machine>
REFERENT_INLINE void accumulate(const Geometry& geometry, std::int64_t channels, const float* x,
                                const float* packed, bool onto, float* scratch, float* sums) {
  const std::int64_t tiles = geometry.tiles();
  const std::int64_t stride = Kernels::stride(tiles, channels);
  const std::int64_t sum_stride = Kernels::stride(tiles, kPanel<Machine>);
  for (std::int64_t t = 0; t < tiles; ++t) {
    gather_tile<Machine, InputTile<2>>(geometry, t, x, geometry.input, channels,
                                       scratch + t * channels, stride, kPanel<Machine>);
  }
  const std::int64_t points = geometry.points();
  for (std::int64_t i = 0; i < geometry.output / kPanel<Machine> * points; ++i) {
    multiply<Machine>(tiles, scratch + i % points * stride, packed + i * channels * kPanel<Machine>,
                      channels, onto, sums + i * sum_stride);
  }
}

template <typename Machine>
REFERENT_INLINE void finish(const Geometry& geometry, std::int64_t panel, float* sums,
                            std::int64_t parts, std::int64_t part_stride, const Epilogue& epilogue,
                            float* y) {
  const std::int64_t sum_stride = Kernels::stride(geometry.tiles(), kPanel<Machine>);
  const std::int64_t count = geometry.points() * sum_stride;
  float* of_panel = sums + panel * count;
  for (std::int64_t part = 1; part < parts; ++part) {
    for (std::int64_t i = 0; i < count; ++i) of_panel[i] += of_panel[part * part_stride + i];
  }
  const Part all{.first_tile = 0, .tiles = geometry.tiles(), .first_panel = panel, .panels = 1};
  scatter<Machine, 2>(geometry, all, panel, of_panel, sum_stride, epilogue, y);
}

}  // namespace

REFERENT_WIDE void accumulate_wide(const Geometry& geometry, std::int64_t channels, const float* x,
                                   const float* packed, bool onto, float* scratch, float* sums) {
  accumulate<Wide>(geometry, channels, x, packed, onto, scratch, sums);
}
REFERENT_NARROW void accumulate_narrow(const Geometry& geometry, std::int64_t channels,
                                       const float* x, const float* packed, bool onto,
                                       float* scratch, float* sums) {
  accumulate<Narrow>(geometry, channels, x, packed, onto, scratch, sums);
}

REFERENT_WIDE void finish_wide(const Geometry& geometry, std::int64_t panel, float* sums,
                               std::int64_t parts, std::int64_t part_stride,
                               const Epilogue& epilogue, float* y) {
  finish<Wide>(geometry, panel, sums, parts, part_stride, epilogue, y);
}
REFERENT_NARROW void finish_narrow(const Geometry& geometry, std::int64_t panel, float* sums,
                                   std::int64_t parts, std::int64_t part_stride,
                                   const Epilogue& epilogue, float* y) {
  finish<Narrow>(geometry, panel, sums, parts, part_stride, epilogue, y);
}

REFERENT_WIDE void convolve_wide(const Geometry& geometry, const Part& part, const float* x,
                                 const float* packed, const Epilogue& epilogue, float* scratch,
                                 float* y) {
  convolve<Wide>(geometry, part, x, packed, epilogue, scratch, y);
}
REFERENT_NARROW void convolve_narrow(const Geometry& geometry, const Part& part, const float* x,
                                     const float* packed, const Epilogue& epilogue, float* scratch,
                                     float* y) {
  convolve<Narrow>(geometry, part, x, packed, epilogue, scratch, y);
}

}  // namespace referent::ops::winograd

#endif
