// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "referent/data/example.h"
#include "referent/formats/rle.h"
#include "referent/image/image.h"
#include "referent/image/mask.h"
#include "referent/image/resample.h"

namespace referent::data {

/// A picture, its target and its words on their way through a transform. The box is x1 y1 x2 y2 in
/// pixels of `image`; its arithmetic is float32 in the released code's order of operations.
struct View {
  image::Image image;
  std::optional<image::Mask> mask = {};  ///< target, of the picture's size
  std::array<float, 4> box{};
  std::string expression;
  double scale = 1.0;  ///< product of the resizes, pixels of `image` per pixel of the original
  image::Filter filter = image::Filter::kBilinear;  ///< of every resize of the picture
  image::MaskResize mask_resize = image::MaskResize::kPixelCentre;
};

/// The example's target in its picture of `width` x `height`; needs an outline. Throws DataError,
/// which names picture and example, for an outline that makes no mask of it.
formats::Rle target_rle(const Example& example, std::int64_t width, std::int64_t height);

/// The view of an untouched example. `whole_pixels` cuts x, y, width and height to whole pixels
/// before x2 = x + width, as the released loaders do. Throws DataError on an empty picture, a box
/// that is not finite, and an outline that makes no mask of the picture.
View make_view(const Example& example, image::Image image, bool whole_pixels);

/// Scales picture and mask to exactly `width` x `height`, which may stretch them; the box is the
/// caller's.
void resize_pixels(View& view, std::int64_t width, std::int64_t height);

/// Scales the long (short) side to `size` pixels, the other side to the nearest whole number, half
/// to even, at least one; the box by the unrounded ratio. Throws DataError for pictures so narrow
/// that the result would have more than 100 megapixels.
void resize_long_side(View& view, std::int64_t size);
void resize_short_side(View& view, std::int64_t size);

/// Keeps the rectangle and what of the box and the mask lies in it, which may be nothing.
void crop(View& view, std::int64_t left, std::int64_t top, std::int64_t width, std::int64_t height);

/// Mirrors the picture, the mask and the box; the words are the caller's.
void flip_horizontal(View& view);

/// The middle of `space` spare pixels as the released code rounds it, round(space / 2 - 0.1).
std::int64_t middle_offset(std::int64_t space);

/// Lays the view on a square of side `size` at (`left`, `top`): fills everything of the sample that
/// is not the example's or the words'. The target is cx cy w h of the box over `size`. Throws
/// DataError when the picture does not fit.
Sample place(View view, std::int64_t size, std::int64_t left, std::int64_t top);

}  // namespace referent::data
