// SPDX-License-Identifier: Apache-2.0
#include "referent/image/color.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace referent::image {
namespace {

/// ITU-R 601 luma in 16-bit fixed point, rounded.
std::uint8_t grey_of(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >>
                                   16);
}

/// Single precision and truncation, as in Image.blend.
std::uint8_t blend(int degenerate, int value, float factor) {
  const float blended =
      static_cast<float>(degenerate) + factor * static_cast<float>(value - degenerate);
  return static_cast<std::uint8_t>(std::clamp(blended, 0.0F, 255.0F));
}

/// Blends every channel with one constant: 256 results cover all pixels.
void blend_with_constant(Image& image, int degenerate, float factor) {
  std::array<std::uint8_t, 256> table;
  for (int value = 0; value < 256; ++value) {
    table[static_cast<std::size_t>(value)] = blend(degenerate, value, factor);
  }
  for (std::uint8_t& value : image.pixels) value = table[value];
}

int mean_grey(const Image& image) {
  std::int64_t sum = 0;
  const std::int64_t count = image.width * image.height;
  const std::uint8_t* pixel = image.pixels.data();
  for (std::int64_t i = 0; i < count; ++i, pixel += 3) sum += grey_of(pixel);
  return static_cast<int>(std::floor(static_cast<double>(sum) / static_cast<double>(count) + 0.5));
}

}  // namespace

void adjust_brightness(Image& image, double factor) {
  blend_with_constant(image, 0, static_cast<float>(factor));
}

void adjust_contrast(Image& image, double factor) {
  if (image.empty()) return;
  blend_with_constant(image, mean_grey(image), static_cast<float>(factor));
}

void adjust_saturation(Image& image, double factor) {
  const auto single = static_cast<float>(factor);
  const std::int64_t count = image.width * image.height;
  std::uint8_t* pixel = image.pixels.data();
  for (std::int64_t i = 0; i < count; ++i, pixel += 3) {
    const int grey = grey_of(pixel);
    for (int c = 0; c < 3; ++c) pixel[c] = blend(grey, pixel[c], single);
  }
}

}  // namespace referent::image
