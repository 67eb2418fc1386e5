// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "referent/core/error.h"
#include "referent/image/color.h"

namespace referent::image {
namespace {

constexpr int kPasses = 3;
constexpr int kFractionBits = 24;

/// A box of 2 * radius + 1 samples with weight `inner` each and one more at either end with weight
/// `outer`, in fixed point.
struct Box1d {
  std::int64_t radius;
  std::uint32_t inner;
  std::uint32_t outer;
};

/// The extended box whose `kPasses`-fold application has the variance of the Gaussian: equations 7,
/// 11 and 14 of Gwosdek et al., rounded to single precision where Pillow does.
Box1d extended_box(float sigma) {
  const float variance = sigma * sigma / kPasses;
  const auto length = static_cast<float>(std::sqrt(12.0 * variance + 1.0));
  const auto whole = static_cast<float>(std::floor((length - 1.0) / 2.0));
  float fraction = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  fraction /= 6 * (variance - (whole + 1) * (whole + 1));
  const float radius = whole + fraction;

  Box1d box{static_cast<std::int64_t>(radius), 0, 0};
  constexpr std::uint32_t kOne = 1U << kFractionBits;
  box.inner = static_cast<std::uint32_t>(static_cast<float>(kOne) / (radius * 2 + 1));
  box.outer = (kOne - (static_cast<std::uint32_t>(box.radius) * 2 + 1) * box.inner) / 2;
  return box;
}

/// Filters `lanes` interleaved lines of `count` samples: sample i of lane k is at i * lanes + k.
/// Samples beyond an end repeat the last one. `in` and `out` differ; `sums` has room for all lanes.
void filter_lines(const std::uint8_t* in, std::uint8_t* out, std::int64_t count, std::int64_t lanes,
                  const Box1d& box, std::uint32_t* sums) {
  const auto sample = [&](std::int64_t i) {
    return in + std::clamp<std::int64_t>(i, 0, count - 1) * lanes;
  };
  // The window around sample -1: the first sample radius + 1 times, then as many as there are.
  const std::int64_t inside = std::min(box.radius, count - 1);
  for (std::int64_t k = 0; k < lanes; ++k) {
    sums[k] = in[k] * static_cast<std::uint32_t>(box.radius + 1) +
              sample(count - 1)[k] * static_cast<std::uint32_t>(box.radius - inside);
  }
  for (std::int64_t i = 0; i < inside; ++i) {
    for (std::int64_t k = 0; k < lanes; ++k) sums[k] += sample(i)[k];
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t* leaving = sample(i - box.radius - 1);
    const std::uint8_t* entering = sample(i + box.radius);
    const std::uint8_t* beyond = sample(i + box.radius + 1);
    std::uint8_t* to = out + i * lanes;
    for (std::int64_t k = 0; k < lanes; ++k) {
      sums[k] += static_cast<std::uint32_t>(entering[k]) - leaving[k];
      const std::uint32_t outer = static_cast<std::uint32_t>(leaving[k]) + beyond[k];
      const std::uint32_t value = sums[k] * box.inner + outer * box.outer;
      to[k] = static_cast<std::uint8_t>((value + (1U << (kFractionBits - 1))) >> kFractionBits);
    }
  }
}

}  // namespace

void gaussian_blur(Image& image, double sigma) {
  REFERENT_CHECK(sigma >= 0 && sigma <= 1e6, "blur with a deviation of {} pixels", sigma);
  if (sigma == 0 || image.empty()) return;
  const Box1d box = extended_box(static_cast<float>(sigma));
  const std::int64_t row_size = 3 * image.width;
  std::vector<std::uint8_t> other(image.pixels.size());
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(row_size));
  for (int pass = 0; pass < kPasses; ++pass) {
    for (std::int64_t y = 0; y < image.height; ++y) {
      filter_lines(image.row(y), other.data() + y * row_size, image.width, 3, box, sums.data());
    }
    std::swap(image.pixels, other);
  }
  for (int pass = 0; pass < kPasses; ++pass) {
    filter_lines(image.pixels.data(), other.data(), image.height, row_size, box, sums.data());
    std::swap(image.pixels, other);
  }
}

}  // namespace referent::image
