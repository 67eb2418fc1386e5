// SPDX-License-Identifier: Apache-2.0
#include "entries.h"

#if defined(__x86_64__)

#include "gather.h"

namespace referent::ops::winograd {
namespace {

// Filters are turned into vectors of output channels, and back, a square of channels at a time: one
// side is what memory holds together, the other what a vector does.

template <int Lanes>
REFERENT_INLINE void load_taps(const float* filter, const FilterStrides& strides, std::int64_t c,
                               std::int64_t m, float (&taps)[Lanes][kTaps][kTaps][Lanes]) {
  for (std::int64_t i = 0; i < kTaps; ++i) {
    for (std::int64_t j = 0; j < kTaps; ++j) {
      taps[c][i][j][m] =
          filter[m * strides.output + c * strides.input + i * strides.row + j * strides.column];
    }
  }
}

template <typename Machine, int Height>
REFERENT_INLINE void pack_tiles(const Geometry& geometry, const float* filter,
                                const FilterStrides& strides, std::int64_t begin, std::int64_t end,
                                float* packed) {
  using Vector = typename Machine::Vector;
  constexpr int kPointRows = Height + kTaps - 1;
  constexpr std::int64_t kLane = kLanes<Machine>;
  const std::int64_t point_stride = geometry.input * kPanel<Machine>;
  float taps[kLane][kTaps][kTaps][kLane];
  for (std::int64_t half = 2 * begin; half < 2 * end; ++half) {
    float* of_half =
        packed + half / 2 * kPointRows * kPointColumns * point_stride + half % 2 * kLane;
    for (std::int64_t first = 0; first < geometry.input; first += kLane) {
      const float* from = filter + half * kLane * strides.output + first * strides.input;
      if (strides.output < strides.input) {
        for (std::int64_t c = 0; c < kLane; ++c) {
          for (std::int64_t m = 0; m < kLane; ++m) load_taps(from, strides, c, m, taps);
        }
      } else {
        for (std::int64_t m = 0; m < kLane; ++m) {
          for (std::int64_t c = 0; c < kLane; ++c) load_taps(from, strides, c, m, taps);
        }
      }
      for (std::int64_t c = 0; c < kLane; ++c) {
        Vector columns[kTaps][kPointRows];
        for (std::int64_t j = 0; j < kTaps; ++j) {
          const Vector column[kTaps] = {at<Machine>(taps[c][0][j]), at<Machine>(taps[c][1][j]),
                                        at<Machine>(taps[c][2][j])};
          transform_filter(column, columns[j]);
        }
        float* to = of_half + (first + c) * kPanel<Machine>;
        for (std::int64_t i = 0; i < kPointRows; ++i) {
          const Vector row[kTaps] = {columns[0][i], columns[1][i], columns[2][i]};
          Vector points[kPointColumns];
          transform_filter(row, points);
          for (std::int64_t j = 0; j < kPointColumns; ++j) {
            at<Machine>(to + (i * kPointColumns + j) * point_stride) = points[j];
          }
        }
      }
    }
  }
}

template <typename Machine>
REFERENT_INLINE void pack(const Geometry& geometry, const float* filter,
                          const FilterStrides& strides, std::int64_t begin, std::int64_t end,
                          float* packed) {
  if (geometry.tile_height == 2) {
    pack_tiles<Machine, 2>(geometry, filter, strides, begin, end, packed);
  } else {
    pack_tiles<Machine, 4>(geometry, filter, strides, begin, end, packed);
  }
}

template <typename Machine>
REFERENT_INLINE void unpack(const Geometry& geometry, const float* sums, std::int64_t begin,
                            std::int64_t end, const FilterStrides& strides, float* filter) {
  using Vector = typename Machine::Vector;
  constexpr int kPointRows = GradientTile::kPointRows;
  constexpr std::int64_t kLane = kLanes<Machine>;
  const std::int64_t point_stride = geometry.input * kPanel<Machine>;
  float taps[kLane][kTaps][kTaps][kLane];
  for (std::int64_t half = 2 * begin; half < 2 * end; ++half) {
    const float* of_half =
        sums + half / 2 * kPointRows * kPointColumns * point_stride + half % 2 * kLane;
    for (std::int64_t first = 0; first < geometry.input; first += kLane) {
      for (std::int64_t c = 0; c < kLane; ++c) {
        const float* from = of_half + (first + c) * kPanel<Machine>;
        Vector columns[kPointColumns][kTaps];
        for (std::int64_t j = 0; j < kPointColumns; ++j) {
          Vector column[kPointRows];
          for (std::int64_t i = 0; i < kPointRows; ++i) {
            column[i] = at<Machine>(from + (i * kPointColumns + j) * point_stride);
          }
          transform_taps(column, columns[j]);
        }
        for (std::int64_t i = 0; i < kTaps; ++i) {
          const Vector row[kPointColumns] = {columns[0][i], columns[1][i], columns[2][i],
                                             columns[3][i], columns[4][i], columns[5][i]};
          Vector outputs[kTaps];
          transform_taps(row, outputs);
          for (std::int64_t j = 0; j < kTaps; ++j) at<Machine>(taps[c][i][j]) = outputs[j];
        }
      }
      for (std::int64_t m = 0; m < kLane; ++m) {
        float* to = filter + (half * kLane + m) * strides.output + first * strides.input;
        for (std::int64_t i = 0; i < kTaps; ++i) {
          for (std::int64_t j = 0; j < kTaps; ++j) {
            for (std::int64_t c = 0; c < kLane; ++c) {
              to[c * strides.input + i * strides.row + j * strides.column] = taps[c][i][j][m];
            }
          }
        }
      }
    }
  }
}

}  // namespace

REFERENT_WIDE void pack_wide(const Geometry& geometry, const float* filter,
                             const FilterStrides& strides, std::int64_t begin, std::int64_t end,
                             float* packed) {
  pack<Wide>(geometry, filter, strides, begin, end, packed);
}
REFERENT_NARROW void pack_narrow(const Geometry& geometry, const float* filter,
                                 const FilterStrides& strides, std::int64_t begin, std::int64_t end,
                                 float* packed) {
  pack<Narrow>(geometry, filter, strides, begin, end, packed);
}

REFERENT_WIDE void unpack_wide(const Geometry& geometry, const float* sums, std::int64_t begin,
                               std::int64_t end, const FilterStrides& strides, float* filter) {
  unpack<Wide>(geometry, sums, begin, end, strides, filter);
}
REFERENT_NARROW void unpack_narrow(const Geometry& geometry, const float* sums, std::int64_t begin,
                                   std::int64_t end, const FilterStrides& strides, float* filter) {
  unpack<Narrow>(geometry, sums, begin, end, strides, filter);
}

}  // namespace referent::ops::winograd

#endif
