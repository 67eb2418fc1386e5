// SPDX-License-Identifier: Apache-2.0
#include "referent/image/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "referent/core/error.h"
#include "resample_rows.h"

namespace referent::image {
namespace {

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

std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<std::int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

std::int64_t round_half_up(double value) {
  return static_cast<std::int64_t>(std::floor(value + 0.5));
}

/// Weights of a resize of `in` samples to `out`. When the picture shrinks the kernel is stretched
/// by the same ratio. Each window's weights are normalised before they are rounded.
ResamplePlan make_plan(std::int64_t in, std::int64_t out, const Kernel& kernel) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch;
  const double shrink = 1.0 / stretch;
  const auto center_of = [scale](std::int64_t i) { return (static_cast<double>(i) + 0.5) * scale; };
  ResamplePlan plan;
  std::vector<std::int64_t> ends;
  for (std::int64_t i = 0; i < out; ++i) {
    plan.first.push_back(std::max<std::int64_t>(round_half_up(center_of(i) - support), 0));
    ends.push_back(std::min(round_half_up(center_of(i) + support), in));
    plan.taps = std::max(plan.taps, static_cast<std::size_t>(ends.back() - plan.first.back()));
  }
  plan.weights.resize(ends.size() * plan.taps);
  std::vector<double> values;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const double center = center_of(static_cast<std::int64_t>(i));
    values.clear();
    double sum = 0;
    for (std::int64_t j = plan.first[i]; j < ends[i]; ++j) {
      values.push_back(kernel.value((static_cast<double>(j) - center + 0.5) * shrink));
      sum += values.back();
    }
    std::int32_t* weight = plan.weights.data() + i * plan.taps;
    for (const double value : values) *weight++ = to_fixed(value / sum);
  }
  return plan;
}

/// Rows of a picture at another width, made when they are asked for and kept for a while.
class WidenedRows {
 public:
  /// Keeps the last `kept` rows. `image` must outlive this.
  WidenedRows(const Image& image, std::int64_t width, std::int64_t kept, const Kernel& kernel)
      : image_(image), is_same_(width == image.width), kept_(kept) {
    if (is_same_) return;
    plan_ = make_plan(image.width, width, kernel);
    pair_weights(plan_);
    from_.resize(3 * (static_cast<std::size_t>(image.width) + plan_.taps) + kReadBehind);
    row_size_ = 3 * static_cast<std::size_t>(width) + kWrittenBehind;
    rows_.resize(static_cast<std::size_t>(kept) * row_size_);
  }

  /// Row y; at most those of `kept` - 1 before the highest one asked for.
  const std::uint8_t* row(std::int64_t y) {
    if (is_same_) return image_.row(y);
    for (; made_ <= y; ++made_) widen_row(readable_row(made_), plan_, place(made_));
    return place(y);
  }

 private:
  /// Row y with room behind it: other rows, or a copy where those are too few.
  const std::uint8_t* readable_row(std::int64_t y) {
    const std::int64_t size = 3 * image_.width;
    const auto room = static_cast<std::int64_t>(from_.size()) - size;
    if ((image_.height - 1 - y) * size >= room) return image_.row(y);
    std::memcpy(from_.data(), image_.row(y), static_cast<std::size_t>(size));
    return from_.data();
  }

  std::uint8_t* place(std::int64_t y) {
    return rows_.data() + static_cast<std::size_t>(y % kept_) * row_size_;
  }

  const Image& image_;
  bool is_same_;
  std::int64_t kept_;
  std::int64_t made_ = 0;
  ResamplePlan plan_;
  std::vector<std::uint8_t> from_;  ///< a copy of a row with room behind it
  std::size_t row_size_ = 0;
  std::vector<std::uint8_t> rows_;
};

/// Columns, then rows.
Image resize_columns_first(const Image& image, std::int64_t width, std::int64_t height,
                           const Kernel& kernel) {
  const ResamplePlan plan = make_plan(image.height, height, kernel);
  WidenedRows widened(image, width, static_cast<std::int64_t>(plan.taps), kernel);
  std::vector<const std::uint8_t*> rows(plan.taps);
  Image result(width, height);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const std::int64_t row =
          plan.first[static_cast<std::size_t>(y)] + static_cast<std::int64_t>(j);
      rows[j] = widened.row(std::min(row, image.height - 1));
    }
    combine_rows(rows, plan.weights_of(y), 3 * width, result.row(y));
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
void blend_columns(const std::uint8_t* row, const std::vector<Pair>& columns, std::int32_t* to) {
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
    blend_columns(image.row(pair.first), columns, upper.data());
    blend_columns(image.row(pair.second), columns, lower.data());
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
  // Rounding between the passes makes their order visible. Pillow does the rows first where they
  // lose more than twice as many pixels as the columns do.
  const std::int64_t lost_rows = image.height - height;
  const bool rows_first = lost_rows > 0 && lost_rows > 2 * (image.width - width);
  if (!rows_first) return resize_columns_first(image, width, height, kernel);
  const Image lower = resize_columns_first(image, image.width, height, kernel);
  return resize_columns_first(lower, width, height, kernel);
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

Image flip_horizontal(Image image) {
  if (image.empty()) return image;
  // Four bytes at a time are quicker than three: the one too many is overwritten by the next.
  std::vector<std::uint8_t> row(static_cast<std::size_t>(3 * image.width + 1));
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::uint8_t* to = image.row(y);
    std::memcpy(row.data(), to, row.size() - 1);
    const std::uint8_t* from = row.data() + 3 * (image.width - 1);
    for (std::int64_t x = 1; x < image.width; ++x, from -= 3, to += 3) std::memcpy(to, from, 4);
    std::memcpy(to, from, 3);
  }
  return image;
}

}  // namespace referent::image
