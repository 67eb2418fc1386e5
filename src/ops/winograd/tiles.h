// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace referent::ops::winograd {

/// A 3x3 convolution of stride 1 and padding 1 on channels-last float32 maps, cut into tiles of
/// 4x4 outputs.
struct Geometry {
  static constexpr std::int64_t kTile = 4;                ///< outputs on a tile's side
  static constexpr std::int64_t kSide = kTile + 2;        ///< inputs on it
  static constexpr std::int64_t kPoints = kSide * kSide;  ///< products for a tile

  std::int64_t batch, height, width, input, output;

  std::int64_t tile_rows() const { return (height + kTile - 1) / kTile; }
  std::int64_t tile_columns() const { return (width + kTile - 1) / kTile; }
  std::int64_t tiles() const { return batch * tile_rows() * tile_columns(); }
};

/// A filter in memory: element (m, c, i, j) lies at data[m * output + c * input + i * row + j *
/// column].
struct Filter {
  const float* data;
  std::int64_t output, input, row, column;
};

/// What becomes of the sums of products.
struct Epilogue {
  const float* bias = nullptr;  ///< [M]; may be null
  bool onto = false;            ///< adds what the output holds
  bool relu = false;            ///< last of all
};

/// Tiles, in the order batch, row, column, and panels of output channels.
struct Part {
  std::int64_t first_tile, tiles, first_panel, panels;
};

/// The transforms and products for one width of vectors.
struct Kernels {
  /// Output channels that are computed together, P: two vectors. Input and output channels have to
  /// be multiples of it.
  std::int64_t panel_width;

  /// Panels [begin, end) of the transformed filter; packed [M / P, 36, C, P].
  void (*pack)(const Geometry& geometry, const Filter& filter, std::int64_t begin, std::int64_t end,
               float* packed);

  /// Part of y [B, H, W, M] from x [B, H, W, C]. Each output has the same bits however the tiles
  /// are parted.
  void (*convolve)(const Geometry& geometry, const Part& part, const float* x, const float* packed,
                   const Epilogue& epilogue, float* scratch, float* y);

  /// Floats that convolve() writes to for so many tiles.
  std::int64_t scratch_size(const Geometry& geometry, std::int64_t tiles) const;
};

/// Those that this processor runs, the widest vectors first: AVX-512; AVX2 with fused multiply-add.
/// None elsewhere.
std::span<const Kernels> kernels();

}  // namespace referent::ops::winograd
