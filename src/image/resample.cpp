// SPDX-License-Identifier: Apache-2.0
#include "referent/image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "referent/core/error.h"

namespace referent::image {
namespace {

/// Fraction bits of the weights: 32 less 8 for the pixel and 2 for overshoot and sign.
constexpr int kWeightBits = 22;
constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

/// Cubic convolution with a = -1/2.
double cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0;
}

struct Kernel {
  double (*value)(double);
  double support;
};

Kernel kernel_of(Filter filter) {
  return filter == Filter::kBilinear ? Kernel{triangle, 1} : Kernel{cubic, 2};
}

/// The input samples one output sample is made of, and where their weights begin.
struct Window {
  std::int64_t first;
  std::int64_t count;
  std::size_t weights;
};

struct Plan {
  std::vector<Window> windows;  // one per output sample
  std::vector<std::int32_t> weights;
};

std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<std::int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

std::int64_t round_half_up(double value) {
  return static_cast<std::int64_t>(std::floor(value + 0.5));
}

/// Weights of a resize of `in` samples to `out`. When the picture shrinks the kernel is stretched
/// by the same ratio. Each window's weights are normalised before they are rounded.
Plan make_plan(std::int64_t in, std::int64_t out, const Kernel& kernel) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch;
  const double shrink = 1.0 / stretch;
  Plan plan;
  plan.windows.reserve(static_cast<std::size_t>(out));
  std::vector<double> values;
  for (std::int64_t i = 0; i < out; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(round_half_up(center - support), 0);
    const auto end = std::min(round_half_up(center + support), in);
    values.clear();
    double sum = 0;
    for (std::int64_t j = 0; j < end - first; ++j) {
      values.push_back(kernel.value((static_cast<double>(j + first) - center + 0.5) * shrink));
      sum += values.back();
    }
    plan.windows.push_back({first, end - first, plan.weights.size()});
    for (const double value : values) plan.weights.push_back(to_fixed(value / sum));
  }
  return plan;
}

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

Image resize_columns(const Image& image, const Plan& plan) {
  Image result(static_cast<std::int64_t>(plan.windows.size()), image.height);
  for (std::int64_t y = 0; y < image.height; ++y) {
    const std::uint8_t* from = image.row(y);
    std::uint8_t* to = result.row(y);
    for (const Window& window : plan.windows) {
      const std::int32_t* weight = plan.weights.data() + window.weights;
      const std::uint8_t* pixel = from + 3 * window.first;
      std::int32_t red = kHalf;
      std::int32_t green = kHalf;
      std::int32_t blue = kHalf;
      for (std::int64_t j = 0; j < window.count; ++j, pixel += 3) {
        red += pixel[0] * weight[j];
        green += pixel[1] * weight[j];
        blue += pixel[2] * weight[j];
      }
      to[0] = to_pixel(red);
      to[1] = to_pixel(green);
      to[2] = to_pixel(blue);
      to += 3;
    }
  }
  return result;
}

Image resize_rows(const Image& image, const Plan& plan) {
  Image result(image.width, static_cast<std::int64_t>(plan.windows.size()));
  const std::int64_t count = 3 * image.width;
  std::vector<std::int32_t> sums(static_cast<std::size_t>(count));
  std::int32_t* const sum = sums.data();
  for (std::int64_t y = 0; y < result.height; ++y) {
    const Window& window = plan.windows[static_cast<std::size_t>(y)];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (std::int64_t j = 0; j < window.count; ++j) {
      const std::int32_t weight = plan.weights[window.weights + static_cast<std::size_t>(j)];
      const std::uint8_t* from = image.row(window.first + j);
      for (std::int64_t i = 0; i < count; ++i) sum[i] += from[i] * weight;
    }
    std::uint8_t* to = result.row(y);
    for (std::int64_t i = 0; i < count; ++i) to[i] = to_pixel(sum[i]);
  }
  return result;
}

/// Fraction bits of the plain filter's weights.
constexpr int kPlainBits = 11;

/// The two input samples of an output sample and their weights, which sum to 1 << kPlainBits.
struct Pair {
  std::int64_t first;
  std::int64_t second;
  std::int32_t first_weight;
  std::int32_t second_weight;
};

/// Beyond the first and last sample both are the same. There OpenCV gives a column's all the weight
/// but leaves a row's as it is, which the rounding shows.
std::vector<Pair> make_pairs(std::int64_t in, std::int64_t out, bool columns) {
  constexpr float kOne = 1 << kPlainBits;
  const double scale = 1.0 / (static_cast<double>(out) / static_cast<double>(in));
  std::vector<Pair> pairs;
  for (std::int64_t i = 0; i < out; ++i) {
    const auto place = static_cast<float>((static_cast<double>(i) + 0.5) * scale - 0.5);
    const auto below = static_cast<std::int64_t>(std::floor(place));
    const bool beyond = below < 0 || below >= in - 1;
    const float fraction = beyond && columns ? 0.0F : place - static_cast<float>(below);
    const auto weight = [](float share) { return static_cast<std::int32_t>(std::lrint(share)); };
    pairs.push_back({std::clamp<std::int64_t>(below, 0, in - 1),
                     std::clamp<std::int64_t>(below + 1, 0, in - 1),
                     weight((1.0F - fraction) * kOne), weight(fraction * kOne)});
  }
  return pairs;
}

/// One row of the picture at the width of the result, kPlainBits of fraction.
void widen_row(const std::uint8_t* row, const std::vector<Pair>& columns, std::int32_t* to) {
  for (const Pair& pair : columns) {
    for (std::int64_t c = 0; c < 3; ++c) {
      *to++ = row[3 * pair.first + c] * pair.first_weight +
              row[3 * pair.second + c] * pair.second_weight;
    }
  }
}

Image resize_plain(const Image& image, std::int64_t width, std::int64_t height) {
  const std::vector<Pair> columns = make_pairs(image.width, width, true);
  const std::vector<Pair> rows = make_pairs(image.height, height, false);
  const auto count = static_cast<std::size_t>(3 * width);
  Image result(width, height);
  std::vector<std::int32_t> upper(count);
  std::vector<std::int32_t> lower(count);
  for (std::int64_t y = 0; y < height; ++y) {
    const Pair& pair = rows[static_cast<std::size_t>(y)];
    widen_row(image.row(pair.first), columns, upper.data());
    widen_row(image.row(pair.second), columns, lower.data());
    std::uint8_t* to = result.row(y);
    for (std::size_t i = 0; i < count; ++i) {
      // OpenCV drops bits before it multiplies, so that 32 suffice; the last two round.
      const std::int32_t sum = ((pair.first_weight * (upper[i] >> 4)) >> 16) +
                               ((pair.second_weight * (lower[i] >> 4)) >> 16);
      to[i] = static_cast<std::uint8_t>((sum + 2) >> 2);
    }
  }
  return result;
}

}  // namespace

Image resize(const Image& image, std::int64_t width, std::int64_t height, Filter filter) {
  REFERENT_CHECK(!image.empty() && width >= 1 && height >= 1, "resize of {} x {} to {} x {}",
                 image.width, image.height, width, height);
  if (filter == Filter::kPlainBilinear) return resize_plain(image, width, height);
  const Kernel kernel = kernel_of(filter);
  const auto with_columns = [&](const Image& from) {
    if (width == image.width) return from;
    return resize_columns(from, make_plan(image.width, width, kernel));
  };
  const auto with_rows = [&](const Image& from) {
    if (height == image.height) return from;
    return resize_rows(from, make_plan(image.height, height, kernel));
  };
  // Rounding between the passes makes their order visible. Pillow does the rows first where they
  // lose more than twice as many pixels as the columns do.
  const std::int64_t lost_rows = image.height - height;
  const bool rows_first = lost_rows > 0 && lost_rows > 2 * (image.width - width);
  return rows_first ? with_columns(with_rows(image)) : with_rows(with_columns(image));
}

Image crop(const Image& image, std::int64_t x, std::int64_t y, std::int64_t width,
           std::int64_t height) {
  REFERENT_CHECK(x >= 0 && y >= 0 && width >= 1 && height >= 1 && x <= image.width - width &&
                     y <= image.height - height,
                 "crop of {} x {} at ({}, {}) out of {} x {}", width, height, x, y, image.width,
                 image.height);
  Image result(width, height);
  for (std::int64_t row = 0; row < height; ++row) {
    std::memcpy(result.row(row), image.row(y + row) + 3 * x, static_cast<std::size_t>(3 * width));
  }
  return result;
}

Image flip_horizontal(const Image& image) {
  Image result(image.width, image.height);
  for (std::int64_t y = 0; y < image.height; ++y) {
    const std::uint8_t* from = image.row(y);
    std::uint8_t* to = result.row(y) + 3 * image.width;
    for (std::int64_t x = 0; x < image.width; ++x, from += 3) {
      to -= 3;
      std::memcpy(to, from, 3);
    }
  }
  return result;
}

}  // namespace referent::image
