// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace referent::image {

/// An 8-bit RGB picture, rows top to bottom without padding: pixel (x, y) is at 3 * (y * width +
/// x).
struct Image {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<std::uint8_t> pixels;

  Image() = default;
  Image(std::int64_t w, std::int64_t h)
      : width(w), height(h), pixels(static_cast<std::size_t>(3 * w * h)) {}

  std::uint8_t* row(std::int64_t y) { return pixels.data() + 3 * width * y; }
  const std::uint8_t* row(std::int64_t y) const { return pixels.data() + 3 * width * y; }
  bool empty() const { return pixels.empty(); }
};

/// A rectangle in pixels, x1 <= x2 and y1 <= y2 where it is not degenerate.
struct Box {
  double x1 = 0;
  double y1 = 0;
  double x2 = 0;
  double y2 = 0;

  double width() const { return x2 - x1; }
  double height() const { return y2 - y1; }
  bool operator==(const Box&) const = default;
};

}  // namespace referent::image
