// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels.h"
#include "transforms.h"

namespace referent::ops::winograd {

constexpr int kTaps = Geometry::kTaps;
constexpr int kTileWidth = Geometry::kTileWidth;
constexpr int kPointColumns = Geometry::kPointColumns;

/// Where a tile's outputs begin.
struct Place {
  Place(const Geometry& geometry, std::int64_t tile) {
    const std::int64_t per_image = geometry.tile_rows() * geometry.tile_columns();
    image = tile / per_image;
    y = tile % per_image / geometry.tile_columns() * geometry.tile_height;
    x = tile % geometry.tile_columns() * Geometry::kTileWidth;
  }

  std::int64_t image, y, x;
};

/// The inputs of a tile of `Height` rows of outputs, with a border of one pixel.
template <int Height>
struct InputTile {
  static constexpr int kRows = Height + kTaps - 1;
  static constexpr int kColumns = kTileWidth + kTaps - 1;
  static constexpr int kPointRows = kRows;
  static constexpr std::int64_t kBorder = 1;

  template <typename Vector, std::size_t Pixels, std::size_t Points>
  REFERENT_INLINE static void transform(const Vector (&in)[Pixels], Vector (&out)[Points]) {
    transform_input(in, out);
  }
};

/// The gradients of a tile's outputs.
struct GradientTile {
  static constexpr int kRows = 4;
  static constexpr int kColumns = kTileWidth;
  static constexpr int kPointRows = kRows + kTaps - 1;
  static constexpr std::int64_t kBorder = 0;

  template <typename Vector, std::size_t Pixels, std::size_t Points>
  REFERENT_INLINE static void transform(const Vector (&in)[Pixels], Vector (&out)[Points]) {
    transform_gradient(in, out);
  }
};

/// The points of `count` channels of one tile of a map [B, H, W, channels], from that at which
/// `map` begins: point p of channel c goes to to[p * stride + c / P * panel_stride + c % P].
template <typename Machine, typename Tile>
REFERENT_INLINE void gather_tile(const Geometry& geometry, std::int64_t tile, const float* map,
                                 std::int64_t channels, std::int64_t count, float* to,
                                 std::int64_t stride, std::int64_t panel_stride) {
  using Vector = typename Machine::Vector;
  const Place place(geometry, tile);
  const float* pixels[Tile::kRows][Tile::kColumns];  // null outside of the map
  for (std::int64_t i = 0; i < Tile::kRows; ++i) {
    for (std::int64_t j = 0; j < Tile::kColumns; ++j) {
      const std::int64_t y = place.y + i - Tile::kBorder;
      const std::int64_t x = place.x + j - Tile::kBorder;
      const bool inside = y >= 0 && y < geometry.height && x >= 0 && x < geometry.width;
      pixels[i][j] =
          inside ? map + ((place.image * geometry.height + y) * geometry.width + x) * channels
                 : nullptr;
    }
  }
  for (std::int64_t c = 0; c < count; c += kLanes<Machine>) {
    Vector columns[Tile::kColumns][Tile::kPointRows];
#pragma GCC unroll 6
    for (std::int64_t j = 0; j < Tile::kColumns; ++j) {
      Vector column[Tile::kRows];
#pragma GCC unroll 6
      for (std::int64_t i = 0; i < Tile::kRows; ++i) {
        column[i] = pixels[i][j] != nullptr ? at<Machine>(pixels[i][j] + c) : Vector{};
      }
      Tile::transform(column, columns[j]);
    }
    float* of_channel = to + c / kPanel<Machine> * panel_stride + c % kPanel<Machine>;
#pragma GCC unroll 6
    for (std::int64_t i = 0; i < Tile::kPointRows; ++i) {
      Vector row[Tile::kColumns];
#pragma GCC unroll 6
      for (std::int64_t j = 0; j < Tile::kColumns; ++j) row[j] = columns[j][i];
      Vector points[kPointColumns];
      Tile::transform(row, points);
#pragma GCC unroll 6
      for (std::int64_t j = 0; j < kPointColumns; ++j) {
        at<Machine>(of_channel + (i * kPointColumns + j) * stride) = points[j];
      }
    }
  }
}

}  // namespace referent::ops::winograd
