// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "referent/image/image.h"

namespace referent::image {

/// How pixels are weighed.
/// - kBilinear, kBicubic: as `Image.resize` of Pillow 13, bit for bit: a convolution whose support
///   grows with the reduction (so it is antialiased), along columns and rows in turn, in fixed
///   point and rounded to 8 bits after each.
/// - kPlainBilinear: as `cv::resize` of OpenCV with INTER_LINEAR, bit for bit but for reductions to
///   exactly a half, where it may differ by one: the four nearest pixels whatever the reduction, so
///   that fine patterns alias.
enum class Filter { kBilinear, kBicubic, kPlainBilinear };

/// Needs a picture with at least one pixel, and width, height >= 1.
Image resize(const Image& image, std::int64_t width, std::int64_t height, Filter filter);

/// The rectangle with its upper left corner at (x, y), which must lie inside the picture.
Image crop(const Image& image, std::int64_t x, std::int64_t y, std::int64_t width,
           std::int64_t height);

/// Left and right exchanged.
Image flip_horizontal(Image image);

}  // namespace referent::image
