// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace referent::ops::winograd {

/// A 3x3 convolution of stride 1 and padding 1 on channels-last float32 maps, cut into tiles of
/// outputs, which count in the order batch, row, column.
struct Geometry {
  static constexpr int kTaps = 3;       ///< of the filter, on its side
  static constexpr int kTileWidth = 4;  ///< outputs
  static constexpr int kPointColumns = kTileWidth + kTaps - 1;

  std::int64_t tile_height;  ///< outputs: 2 or 4
  std::int64_t batch, height, width, input, output;

  std::int64_t tile_rows() const { return (height + tile_height - 1) / tile_height; }
  std::int64_t tile_columns() const { return (width + kTileWidth - 1) / kTileWidth; }
  std::int64_t tiles() const { return batch * tile_rows() * tile_columns(); }
  /// Products that give a tile: 24 or 36.
  std::int64_t points() const { return (tile_height + kTaps - 1) * kPointColumns; }
};

/// A filter's layout: element (m, c, i, j) lies at m * output + c * input + i * row + j * column.
struct FilterStrides {
  std::int64_t output, input, row, column;
};

/// What becomes of the sums of products.
struct Epilogue {
  const float* bias = nullptr;  ///< [M]; may be null
  bool onto = false;            ///< adds what the output holds
  bool relu = false;            ///< last of all
};

/// Tiles and panels of output channels.
struct Part {
  std::int64_t first_tile, tiles, first_panel, panels;
};

/// The numbers of one width of vectors. P, a panel, is two vectors; input and output channels are
/// multiples of it.
struct Kernels {
  std::int64_t panel_width;

  /// Panels [begin, end) of the filter's points, packed [M / P, points, C, P].
  void (*pack)(const Geometry& geometry, const float* filter, const FilterStrides& strides,
               std::int64_t begin, std::int64_t end, float* packed);

  /// Part of y [B, H, W, M] from x [B, H, W, C]. Each output has the same bits however the tiles
  /// are parted.
  void (*convolve)(const Geometry& geometry, const Part& part, const float* x, const float* packed,
                   const Epilogue& epilogue, float* scratch, float* y);

  /// Floats that convolve() writes to for so many tiles.
  std::int64_t scratch_size(const Geometry& geometry, std::int64_t tiles) const;

  /// A convolution by a filter that is packed as it is used, in two steps, for tiles of height 2.
  /// First what `channels` inputs, from that at which `x` begins, by their packed filter [M / P,
  /// 24, channels, P] give to sums [M / P, 24, tiles, P], with stride() floats instead of tiles *
  /// P; added to what is there where `onto`. Scratch is 24 stride(tiles, channels) floats.
  void (*accumulate)(const Geometry& geometry, std::int64_t channels, const float* x,
                     const float* packed, bool onto, float* scratch, float* sums);
  /// Then a panel of y from `parts` such sums, `part_stride` floats apart, the first of which is
  /// overwritten.
  void (*finish)(const Geometry& geometry, std::int64_t panel, float* sums, std::int64_t parts,
                 std::int64_t part_stride, const Epilogue& epilogue, float* y);

  /// The filter's gradient in three steps, for tiles of height 4. First the points of some tiles
  /// [begin, end), counted from `first`: those of x to inputs [36, tiles, C] and of the outputs'
  /// gradient to outputs [M / P, 36, tiles, P], with stride() floats instead of tiles * C and tiles
  /// * P.
  void (*gather)(const Geometry& geometry, std::int64_t first, std::int64_t tiles,
                 std::int64_t begin, std::int64_t end, const float* x, const float* gradient,
                 float* inputs, float* outputs);
  /// Then their products, points [begin, end) of sums [M / P, 36, C, P]; added to what is there
  /// where `onto`.
  void (*correlate)(const Geometry& geometry, std::int64_t tiles, std::int64_t begin,
                    std::int64_t end, const float* inputs, const float* outputs, bool onto,
                    float* sums);
  /// Last the gradient of panels [begin, end).
  void (*unpack)(const Geometry& geometry, const float* sums, std::int64_t begin, std::int64_t end,
                 const FilterStrides& strides, float* filter);

  /// Floats between the points of so many tiles with so many channels each, which do not meet in
  /// one set of the cache.
  static std::int64_t stride(std::int64_t tiles, std::int64_t channels);
};

/// Those that this processor runs, the widest vectors first: AVX-512; AVX2 with fused multiply-add.
/// None elsewhere.
std::span<const Kernels> kernels();

}  // namespace referent::ops::winograd
