// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "referent/formats/rle.h"
#include "referent/formats/segmentation.h"
#include "referent/image/config.h"

namespace referent::image {

/// A binary mask, rows top to bottom without padding: pixel (x, y) is at y * width + x, 0 or 1.
struct Mask {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<std::uint8_t> pixels;

  Mask() = default;
  Mask(std::int64_t w, std::int64_t h)
      : width(w), height(h), pixels(static_cast<std::size_t>(w * h)) {}

  std::uint8_t* row(std::int64_t y) { return pixels.data() + width * y; }
  const std::uint8_t* row(std::int64_t y) const { return pixels.data() + width * y; }
  bool operator==(const Mask&) const = default;
};

/// What lies within a polygon (x0, y0, x1, y1, ... in pixels) on a picture of `width` x `height`,
/// equal to pycocotools to the last bit: its edges are walked in whole steps of a fifth of a pixel,
/// and a column changes where that walk passes its middle. Parts that cover each other twice
/// cancel. Throws DataError as formats::check_polygon() does, and for outlines of absurd length.
formats::Rle rle_of_polygon(std::span<const double> polygon, std::int64_t width,
                            std::int64_t height);

/// The union of all parts. Throws DataError where it is empty, where check_segmentation() does, and
/// where run lengths are those of another size.
formats::Rle rle_of(const formats::Segmentation& segmentation, std::int64_t width,
                    std::int64_t height);

formats::Rle rle_of(const Mask& mask);
/// Throws DataError as formats::check_rle() does.
Mask mask_of(const formats::Rle& rle);

/// Needs a mask with at least one pixel, and width, height >= 1.
Mask resize(const Mask& mask, std::int64_t width, std::int64_t height, MaskResize rule);

/// The rectangle with its upper left corner at (x, y), which must lie inside the mask.
Mask crop(const Mask& mask, std::int64_t x, std::int64_t y, std::int64_t width,
          std::int64_t height);

/// Left and right exchanged.
Mask flip_horizontal(const Mask& mask);

}  // namespace referent::image
