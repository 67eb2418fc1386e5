// SPDX-License-Identifier: Apache-2.0
#include "referent/image/mask.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "referent/core/error.h"

namespace referent::image {
namespace {

/// Steps of the walk to a pixel.
constexpr std::int64_t kFiner = 5;
/// The step that is a pixel's middle.
constexpr std::int64_t kMiddle = kFiner / 2;
/// Steps of one outline. A picture's own frame has some ten thousand.
constexpr std::int64_t kMostSteps = std::int64_t{1} << 26;

/// A place on the finer grid.
struct Step {
  std::int64_t x;
  std::int64_t y;
};

/// A half is added before the cut, also to numbers below zero: pycocotools rounds so.
std::int64_t to_step(double value) {
  return static_cast<std::int64_t>(std::trunc(value + 0.5));
}

/// Rounds up; `divisor` > 0.
std::int64_t divide_up(std::int64_t value, std::int64_t divisor) {
  return value / divisor + (value % divisor > 0 ? 1 : 0);
}

/// Takes the steps of an outline in order and notes where a column of pixels changes.
class Outline {
 public:
  Outline(std::int64_t width, std::int64_t height, Step start)
      : width_(width), height_(height), last_(start), corner_(start) {}

  /// Goes on to the next corner; the longer direction goes step by step.
  void walk_to(Step to) {
    Step from = std::exchange(corner_, to);
    const std::int64_t dx = std::abs(to.x - from.x);
    const std::int64_t dy = std::abs(to.y - from.y);
    if (dx == 0 && dy == 0) return;
    steps_ += std::max(dx, dy);
    if (steps_ > kMostSteps) throw DataError("a polygon whose outline is absurdly long");
    // The line is always computed from its lower end, so that there and back are the same steps.
    const bool backward = dx >= dy ? from.x > to.x : from.y > to.y;
    if (backward) std::swap(from, to);
    const double slope = dx >= dy ? static_cast<double>(to.y - from.y) / static_cast<double>(dx)
                                  : static_cast<double>(to.x - from.x) / static_cast<double>(dy);
    const std::int64_t count = std::max(dx, dy);
    for (std::int64_t i = 0; i <= count; ++i) {
      const std::int64_t along = backward ? count - i : i;
      const double across = slope * static_cast<double>(along);
      if (dx >= dy) {
        visit({from.x + along, to_step(static_cast<double>(from.y) + across)});
      } else {
        visit({to_step(static_cast<double>(from.x) + across), from.y + along});
      }
    }
  }

  /// The runs between all changes.
  formats::Rle finish() && {
    const std::int64_t end = width_ * height_;
    std::ranges::sort(changes_);
    formats::Rle rle{height_, width_, {}};
    std::int64_t written = 0;
    for (std::size_t i = 0; i < changes_.size() && changes_[i] < end; ++i) {
      // Two changes at one pixel are none.
      if (i + 1 < changes_.size() && changes_[i] == changes_[i + 1]) {
        ++i;
        continue;
      }
      rle.counts.push_back(static_cast<std::uint32_t>(changes_[i] - written));
      written = changes_[i];
    }
    rle.counts.push_back(static_cast<std::uint32_t>(end - written));
    return rle;
  }

 private:
  void visit(Step step) {
    if (step.x != last_.x) {
      change(step.x < last_.x ? step.x : step.x - 1, std::min(step.y, last_.y));
    }
    last_ = step;
  }

  /// The outline passes the boundary right of step `x` at the height `y`.
  void change(std::int64_t x, std::int64_t y) {
    if (x < kMiddle || (x - kMiddle) % kFiner != 0) return;
    const std::int64_t column = (x - kMiddle) / kFiner;
    if (column >= width_) return;
    const std::int64_t row = std::clamp<std::int64_t>(divide_up(y - kMiddle, kFiner), 0, height_);
    changes_.push_back(column * height_ + row);
  }

  std::int64_t width_;
  std::int64_t height_;
  Step last_;
  Step corner_;
  std::int64_t steps_ = 0;
  std::vector<std::int64_t> changes_;  ///< column-major places from which on a value is another
};

}  // namespace

formats::Rle rle_of_polygon(std::span<const double> polygon, std::int64_t width,
                            std::int64_t height) {
  formats::check_polygon(polygon);
  const std::size_t corners = polygon.size() / 2;
  const auto corner = [&](std::size_t i) {
    return Step{to_step(static_cast<double>(kFiner) * polygon[2 * (i % corners)]),
                to_step(static_cast<double>(kFiner) * polygon[2 * (i % corners) + 1])};
  };
  Outline outline(width, height, corner(0));
  for (std::size_t i = 1; i <= corners; ++i) outline.walk_to(corner(i));
  return std::move(outline).finish();
}

formats::Rle rle_of(const formats::Segmentation& segmentation, std::int64_t width,
                    std::int64_t height) {
  if (segmentation.rle) {
    const formats::Rle& rle = *segmentation.rle;
    if (rle.width != width || rle.height != height) {
      throw DataError("a mask of {} x {} pixels for a picture of {} x {}", rle.width, rle.height,
                      width, height);
    }
    formats::check_rle(rle);
    return rle;
  }
  if (segmentation.polygons.empty()) throw DataError("there is no mask");
  formats::Rle all = rle_of_polygon(segmentation.polygons.front(), width, height);
  for (std::size_t i = 1; i < segmentation.polygons.size(); ++i) {
    all = formats::rle_union(all, rle_of_polygon(segmentation.polygons[i], width, height));
  }
  return all;
}

formats::Rle rle_of(const Mask& mask) {
  return formats::rle_from_mask(mask.pixels, mask.height, mask.width);
}

Mask mask_of(const formats::Rle& rle) {
  Mask mask;
  mask.pixels = formats::mask_from_rle(rle);
  mask.width = rle.width;
  mask.height = rle.height;
  return mask;
}

Mask resize(const Mask& mask, std::int64_t width, std::int64_t height, MaskResize rule) {
  REFERENT_CHECK(!mask.pixels.empty() && width >= 1 && height >= 1, "resize of {} x {} to {} x {}",
                 mask.width, mask.height, width, height);
  const auto source = [rule](std::int64_t i, std::int64_t in, std::int64_t out) {
    if (rule == MaskResize::kPixelCentre) return (2 * i + 1) * in / (2 * out);
    const double scale = static_cast<double>(in) / static_cast<double>(out);
    return std::min(static_cast<std::int64_t>(static_cast<double>(i) * scale), in - 1);
  };
  std::vector<std::int64_t> columns;
  columns.reserve(static_cast<std::size_t>(width));
  for (std::int64_t x = 0; x < width; ++x) columns.push_back(source(x, mask.width, width));
  Mask result(width, height);
  for (std::int64_t y = 0; y < height; ++y) {
    const std::uint8_t* from = mask.row(source(y, mask.height, height));
    std::uint8_t* to = result.row(y);
    for (const std::int64_t column : columns) *to++ = from[column];
  }
  return result;
}

Mask crop(const Mask& mask, std::int64_t x, std::int64_t y, std::int64_t width,
          std::int64_t height) {
  REFERENT_CHECK(x >= 0 && y >= 0 && width >= 1 && height >= 1 && x <= mask.width - width &&
                     y <= mask.height - height,
                 "crop of {} x {} at ({}, {}) out of {} x {}", width, height, x, y, mask.width,
                 mask.height);
  Mask result(width, height);
  for (std::int64_t row = 0; row < height; ++row) {
    std::memcpy(result.row(row), mask.row(y + row) + x, static_cast<std::size_t>(width));
  }
  return result;
}

Mask flip_horizontal(const Mask& mask) {
  Mask result(mask.width, mask.height);
  for (std::int64_t y = 0; y < mask.height; ++y) {
    std::reverse_copy(mask.row(y), mask.row(y) + mask.width, result.row(y));
  }
  return result;
}

}  // namespace referent::image
