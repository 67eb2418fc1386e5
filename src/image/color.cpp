// SPDX-License-Identifier: Apache-2.0
#include "referent/image/color.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "referent/core/vector_clones.h"

namespace referent::image {
namespace {

/// Pixels whose greys are held at once.
constexpr std::int64_t kBlock = 256;

/// ITU-R 601 luma in 16-bit fixed point, rounded, of `count` pixels.
REFERENT_VECTOR_CLONES
void greys_of(const std::uint8_t* __restrict rgb, std::int64_t count, std::uint8_t* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) {
    to[i] = static_cast<std::uint8_t>(
        (rgb[3 * i] * 19595U + rgb[3 * i + 1] * 38470U + rgb[3 * i + 2] * 7471U + 0x8000U) >> 16);
  }
}

/// Factors beyond this saturate all that they change, and so does this.
constexpr double kLargestFactor = 1e6;

float to_single(double factor) {
  return static_cast<float>(std::clamp(factor, -kLargestFactor, kLargestFactor));
}

/// Single precision and truncation, as in Image.blend. Clamped as an integer, which takes one
/// instruction where a float takes three.
inline std::uint8_t blend(std::uint8_t degenerate, std::uint8_t value, float factor) {
  const auto base = static_cast<float>(degenerate);
  const auto blended = static_cast<int>(base + factor * (static_cast<float>(value) - base));
  const int positive = blended < 0 ? 0 : blended;
  return static_cast<std::uint8_t>(positive > 255 ? 255 : positive);
}

/// Blends every byte with one constant.
REFERENT_VECTOR_CLONES
void blend_with_constant(std::uint8_t* values, std::int64_t count, std::uint8_t degenerate,
                         float factor) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = blend(degenerate, values[i], factor);
}

/// Blends every byte with its own.
REFERENT_VECTOR_CLONES
void blend_with(std::uint8_t* __restrict values, const std::uint8_t* __restrict degenerate,
                std::int64_t count, float factor) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = blend(degenerate[i], values[i], factor);
}

/// Calls `visit(first byte, number of pixels)` for every block of the picture.
template <typename Visit>
void for_each_block(Image& image, Visit&& visit) {
  const std::int64_t count = image.width * image.height;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    visit(image.pixels.data() + 3 * begin, std::min(kBlock, count - begin));
  }
}

std::uint8_t mean_grey(Image& image) {
  std::array<std::uint8_t, kBlock> greys;
  std::int64_t sum = 0;
  for_each_block(image, [&](const std::uint8_t* pixels, std::int64_t count) {
    greys_of(pixels, count, greys.data());
    sum += std::accumulate(greys.begin(), greys.begin() + count, std::int64_t{0});
  });
  const auto count = static_cast<double>(image.width * image.height);
  return static_cast<std::uint8_t>(std::floor(static_cast<double>(sum) / count + 0.5));
}

}  // namespace

void adjust_brightness(Image& image, double factor) {
  blend_with_constant(image.pixels.data(), 3 * image.width * image.height, 0, to_single(factor));
}

void adjust_contrast(Image& image, double factor) {
  if (image.empty()) return;
  blend_with_constant(image.pixels.data(), 3 * image.width * image.height, mean_grey(image),
                      to_single(factor));
}

void adjust_saturation(Image& image, double factor) {
  std::array<std::uint8_t, kBlock> greys;
  std::array<std::uint8_t, 3 * kBlock> degenerate;
  for_each_block(image, [&](std::uint8_t* pixels, std::int64_t count) {
    greys_of(pixels, count, greys.data());
    for (std::int64_t i = 0; i < count; ++i) std::fill_n(&degenerate[3 * i], 3, greys[i]);
    blend_with(pixels, degenerate.data(), 3 * count, to_single(factor));
  });
}

}  // namespace referent::image
