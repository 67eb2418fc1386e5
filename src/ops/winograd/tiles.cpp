// SPDX-License-Identifier: Apache-2.0
#include "tiles.h"

#include <array>

namespace referent::ops::winograd {
namespace {

/// Floats between the points of one scratch, so that they do not meet in one set of the cache.
constexpr std::int64_t kGap = 16;

}  // namespace

#if defined(__x86_64__)

namespace {

#define REFERENT_INLINE [[gnu::always_inline]] inline

constexpr std::int64_t kTile = Geometry::kTile;
constexpr std::int64_t kSide = Geometry::kSide;
constexpr std::int64_t kPoints = Geometry::kPoints;

// The points 0, -a, a, -b, b and infinity with a = 3/4 and b = 3/2: sums of 256 channels come out
// with a relative error of 1.2e-6 (root mean square), half of what the usual 1 and 2 give and 1.5
// times that of a plain sum. All numbers below but kOfZero, kOfA and kOfB are exact.
constexpr float kA = 0.75F, kA2 = kA * kA, kA3 = kA2 * kA;
constexpr float kB = 1.5F, kB2 = kB * kB, kB3 = kB2 * kB;
constexpr float kOfZero = 1 / (kA2 * kB2);
constexpr float kOfA = 1 / (2 * kA2 * (kA2 - kB2));
constexpr float kOfB = 1 / (2 * kB2 * (kB2 - kA2));

/// The vectors of a processor, which lie anywhere in arrays of floats.
struct Wide {
  using Vector = float __attribute__((vector_size(64), aligned(4), may_alias));
  static constexpr int kRows = 14;  ///< of a product that stay in 32 registers
};
struct Narrow {
  using Vector = float __attribute__((vector_size(32), aligned(4), may_alias));
  static constexpr int kRows = 6;  ///< that stay in 16 registers
};

template <typename Machine>
constexpr std::int64_t kLanes = sizeof(typename Machine::Vector) / sizeof(float);
template <typename Machine>
constexpr std::int64_t kPanel = 2 * kLanes<Machine>;

template <typename Machine>
REFERENT_INLINE const typename Machine::Vector& at(const float* from) {
  return *reinterpret_cast<const typename Machine::Vector*>(from);
}
template <typename Machine>
REFERENT_INLINE typename Machine::Vector& at(float* to) {
  return *reinterpret_cast<typename Machine::Vector*>(to);
}

/// out = B^T in.
template <typename Vector>
REFERENT_INLINE void transform_input(const Vector (&in)[kSide], Vector (&out)[kSide]) {
  const Vector even_a = in[4] - kB2 * in[2];
  const Vector odd_a = kA * (in[3] - kB2 * in[1]);
  const Vector even_b = in[4] - kA2 * in[2];
  const Vector odd_b = kB * (in[3] - kA2 * in[1]);
  out[0] = kA2 * kB2 * in[0] - (kA2 + kB2) * in[2] + in[4];
  out[1] = even_a - odd_a;
  out[2] = even_a + odd_a;
  out[3] = even_b - odd_b;
  out[4] = even_b + odd_b;
  out[5] = kA2 * kB2 * in[1] - (kA2 + kB2) * in[3] + in[5];
}

/// out = G in.
template <typename Vector>
REFERENT_INLINE void transform_filter(const Vector (&in)[3], Vector (&out)[kSide]) {
  const Vector even_a = kOfA * (in[0] + kA2 * in[2]);
  const Vector odd_a = kOfA * kA * in[1];
  const Vector even_b = kOfB * (in[0] + kB2 * in[2]);
  const Vector odd_b = kOfB * kB * in[1];
  out[0] = kOfZero * in[0];
  out[1] = even_a - odd_a;
  out[2] = even_a + odd_a;
  out[3] = even_b - odd_b;
  out[4] = even_b + odd_b;
  out[5] = in[2];
}

/// out = A^T in.
template <typename Vector>
REFERENT_INLINE void transform_output(const Vector (&in)[kSide], Vector (&out)[kTile]) {
  const Vector even_a = in[2] + in[1];
  const Vector odd_a = in[2] - in[1];
  const Vector even_b = in[4] + in[3];
  const Vector odd_b = in[4] - in[3];
  out[0] = in[0] + even_a + even_b;
  out[1] = kA * odd_a + kB * odd_b;
  out[2] = kA2 * even_a + kB2 * even_b;
  out[3] = kA3 * odd_a + kB3 * odd_b + in[5];
}

template <typename Machine>
REFERENT_INLINE void pack_panels(const Geometry& geometry, const Filter& filter, std::int64_t begin,
                                 std::int64_t end, float* packed) {
  using Vector = typename Machine::Vector;
  constexpr std::int64_t kLane = kLanes<Machine>;
  for (std::int64_t panel = begin; panel < end; ++panel) {
    float* of_panel = packed + panel * kPoints * geometry.input * 2 * kLane;
    for (std::int64_t c = 0; c < geometry.input; ++c) {
      for (std::int64_t half = 0; half < 2; ++half) {
        float taps[3][3][kLane];
        const float* from =
            filter.data + (panel * 2 + half) * kLane * filter.output + c * filter.input;
        for (std::int64_t m = 0; m < kLane; ++m) {
          for (std::int64_t i = 0; i < 3; ++i) {
            for (std::int64_t j = 0; j < 3; ++j) {
              taps[i][j][m] = from[m * filter.output + i * filter.row + j * filter.column];
            }
          }
        }
        Vector columns[3][kSide];
        for (std::int64_t j = 0; j < 3; ++j) {
          const Vector column[3] = {at<Machine>(taps[0][j]), at<Machine>(taps[1][j]),
                                    at<Machine>(taps[2][j])};
          transform_filter(column, columns[j]);
        }
        for (std::int64_t i = 0; i < kSide; ++i) {
          const Vector row[3] = {columns[0][i], columns[1][i], columns[2][i]};
          Vector points[kSide];
          transform_filter(row, points);
          for (std::int64_t j = 0; j < kSide; ++j) {
            at<Machine>(of_panel + ((i * kSide + j) * geometry.input + c) * 2 * kLane +
                        half * kLane) = points[j];
          }
        }
      }
    }
  }
}

/// Where a tile's outputs begin.
struct Place {
  Place(const Geometry& geometry, std::int64_t tile) {
    const std::int64_t per_image = geometry.tile_rows() * geometry.tile_columns();
    image = tile / per_image;
    y = tile % per_image / geometry.tile_columns() * kTile;
    x = tile % geometry.tile_columns() * kTile;
  }

  std::int64_t image, y, x;
};

/// The points of the tiles' inputs: point p of tile t lies at to[p * stride + t * C].
template <typename Machine>
REFERENT_INLINE void gather(const Geometry& geometry, const Part& part, const float* x, float* to,
                            std::int64_t stride) {
  using Vector = typename Machine::Vector;
  for (std::int64_t t = 0; t < part.tiles; ++t) {
    const Place place(geometry, part.first_tile + t);
    const float* pixels[kSide][kSide];  // null outside of the map
    for (std::int64_t i = 0; i < kSide; ++i) {
      for (std::int64_t j = 0; j < kSide; ++j) {
        const std::int64_t row = place.y + i - 1;
        const std::int64_t column = place.x + j - 1;
        const bool inside =
            row >= 0 && row < geometry.height && column >= 0 && column < geometry.width;
        pixels[i][j] = inside
                           ? x + ((place.image * geometry.height + row) * geometry.width + column) *
                                     geometry.input
                           : nullptr;
      }
    }
    for (std::int64_t c = 0; c < geometry.input; c += kLanes<Machine>) {
      Vector columns[kSide][kSide];
#pragma GCC unroll 6
      for (std::int64_t j = 0; j < kSide; ++j) {
        Vector column[kSide];
#pragma GCC unroll 6
        for (std::int64_t i = 0; i < kSide; ++i) {
          column[i] = pixels[i][j] != nullptr ? at<Machine>(pixels[i][j] + c) : Vector{};
        }
        transform_input(column, columns[j]);
      }
#pragma GCC unroll 6
      for (std::int64_t i = 0; i < kSide; ++i) {
        const Vector row[kSide] = {columns[0][i], columns[1][i], columns[2][i],
                                   columns[3][i], columns[4][i], columns[5][i]};
        Vector points[kSide];
        transform_input(row, points);
#pragma GCC unroll 6
        for (std::int64_t j = 0; j < kSide; ++j) {
          at<Machine>(to + (i * kSide + j) * stride + t * geometry.input + c) = points[j];
        }
      }
    }
  }
}

/// c [Rows, P] = a [Rows, K] b [K, P], all of it in registers.
template <typename Machine, int Rows>
REFERENT_INLINE void multiply_rows(const float* a, const float* b, std::int64_t depth, float* c) {
  using Vector = typename Machine::Vector;
  constexpr std::int64_t kLane = kLanes<Machine>;
  Vector sums[Rows][2] = {};
#pragma GCC unroll 1
  for (std::int64_t k = 0; k < depth; ++k) {
    const Vector left = at<Machine>(b + k * 2 * kLane);
    const Vector right = at<Machine>(b + k * 2 * kLane + kLane);
#pragma GCC unroll 14
    for (int row = 0; row < Rows; ++row) {
      const Vector factor = Vector{} + a[row * depth + k];
      sums[row][0] += factor * left;
      sums[row][1] += factor * right;
    }
  }
#pragma GCC unroll 14
  for (int row = 0; row < Rows; ++row) {
    at<Machine>(c + row * 2 * kLane) = sums[row][0];
    at<Machine>(c + row * 2 * kLane + kLane) = sums[row][1];
  }
}

/// multiply_rows() of so many rows as a number of the program.
template <typename Machine, int Rows = Machine::kRows>
REFERENT_INLINE void multiply_some(std::int64_t rows, const float* a, const float* b,
                                   std::int64_t depth, float* c) {
  if (rows == Rows) {
    multiply_rows<Machine, Rows>(a, b, depth, c);
  } else if constexpr (Rows > 1) {
    multiply_some<Machine, Rows - 1>(rows, a, b, depth, c);
  }
}

/// c [rows, P] = a [rows, K] b [K, P].
template <typename Machine>
REFERENT_INLINE void multiply(std::int64_t rows, const float* a, const float* b, std::int64_t depth,
                              float* c) {
  const std::int64_t blocks = (rows + Machine::kRows - 1) / Machine::kRows;
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::int64_t begin = rows * block / blocks;
    const std::int64_t end = rows * (block + 1) / blocks;
    multiply_some<Machine>(end - begin, a + begin * depth, b, depth,
                           c + begin * 2 * kLanes<Machine>);
  }
}

/// One panel of the tiles' outputs from their points: point p of tile t lies at
/// from[p * stride + t * P].
template <typename Machine>
REFERENT_INLINE void scatter(const Geometry& geometry, const Part& part, std::int64_t panel,
                             const float* from, std::int64_t stride, const Epilogue& epilogue,
                             float* y) {
  using Vector = typename Machine::Vector;
  constexpr std::int64_t kLane = kLanes<Machine>;
  for (std::int64_t t = 0; t < part.tiles; ++t) {
    const Place place(geometry, part.first_tile + t);
    for (std::int64_t half = 0; half < 2; ++half) {
      const std::int64_t channel = (panel * 2 + half) * kLane;
      const float* of_tile = from + (t * 2 + half) * kLane;
      Vector columns[kSide][kTile];
#pragma GCC unroll 6
      for (std::int64_t j = 0; j < kSide; ++j) {
        Vector column[kSide];
#pragma GCC unroll 6
        for (std::int64_t i = 0; i < kSide; ++i) {
          column[i] = at<Machine>(of_tile + (i * kSide + j) * stride);
        }
        transform_output(column, columns[j]);
      }
      const Vector bias =
          epilogue.bias != nullptr ? at<Machine>(epilogue.bias + channel) : Vector{};
#pragma GCC unroll 4
      for (std::int64_t i = 0; i < kTile; ++i) {
        if (place.y + i >= geometry.height) break;
        const Vector row[kSide] = {columns[0][i], columns[1][i], columns[2][i],
                                   columns[3][i], columns[4][i], columns[5][i]};
        Vector outputs[kTile];
        transform_output(row, outputs);
        float* pixel = y +
                       ((place.image * geometry.height + place.y + i) * geometry.width + place.x) *
                           geometry.output +
                       channel;
#pragma GCC unroll 4
        for (std::int64_t j = 0; j < kTile; ++j) {
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

template <typename Machine>
REFERENT_INLINE void convolve_part(const Geometry& geometry, const Part& part, const float* x,
                                   const float* packed, const Epilogue& epilogue, float* scratch,
                                   float* y) {
  const std::int64_t stride = part.tiles * geometry.input + kGap;
  const std::int64_t sum_stride = part.tiles * kPanel<Machine> + kGap;
  float* sums = scratch + kPoints * stride;
  gather<Machine>(geometry, part, x, scratch, stride);
  for (std::int64_t panel = part.first_panel; panel < part.first_panel + part.panels; ++panel) {
    for (std::int64_t point = 0; point < kPoints; ++point) {
      multiply<Machine>(part.tiles, scratch + point * stride,
                        packed + (panel * kPoints + point) * geometry.input * kPanel<Machine>,
                        geometry.input, sums + point * sum_stride);
    }
    scatter<Machine>(geometry, part, panel, sums, sum_stride, epilogue, y);
  }
}

#define REFERENT_WIDE [[gnu::target("arch=x86-64-v4")]]
#define REFERENT_NARROW [[gnu::target("arch=x86-64-v3")]]

REFERENT_WIDE void pack_wide(const Geometry& geometry, const Filter& filter, std::int64_t begin,
                             std::int64_t end, float* packed) {
  pack_panels<Wide>(geometry, filter, begin, end, packed);
}
REFERENT_NARROW void pack_narrow(const Geometry& geometry, const Filter& filter, std::int64_t begin,
                                 std::int64_t end, float* packed) {
  pack_panels<Narrow>(geometry, filter, begin, end, packed);
}

REFERENT_WIDE void convolve_wide(const Geometry& geometry, const Part& part, const float* x,
                                 const float* packed, const Epilogue& epilogue, float* scratch,
                                 float* y) {
  convolve_part<Wide>(geometry, part, x, packed, epilogue, scratch, y);
}
REFERENT_NARROW void convolve_narrow(const Geometry& geometry, const Part& part, const float* x,
                                     const float* packed, const Epilogue& epilogue, float* scratch,
                                     float* y) {
  convolve_part<Narrow>(geometry, part, x, packed, epilogue, scratch, y);
}

constexpr std::array<Kernels, 2> kKernels{
    {{.panel_width = kPanel<Wide>, .pack = pack_wide, .convolve = convolve_wide},
     {.panel_width = kPanel<Narrow>, .pack = pack_narrow, .convolve = convolve_narrow}}};

}  // namespace

std::span<const Kernels> kernels() {
  static const std::size_t missing = __builtin_cpu_supports("x86-64-v4") != 0   ? 0
                                     : __builtin_cpu_supports("x86-64-v3") != 0 ? 1
                                                                                : 2;
  return std::span(kKernels).subspan(missing);
}

#else

std::span<const Kernels> kernels() {
  return {};
}

#endif

std::int64_t Kernels::scratch_size(const Geometry& geometry, std::int64_t tiles) const {
  return Geometry::kPoints * (tiles * (geometry.input + panel_width) + 2 * kGap);
}

}  // namespace referent::ops::winograd
