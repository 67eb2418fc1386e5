// SPDX-License-Identifier: Apache-2.0
#include "mask_overlay.h"

#include <opencv2/imgproc.hpp>

#include "pixel.h"
#include "referent/core/error.h"

namespace referent::image {
namespace {

constexpr Color kDark{16, 16, 16};
/// How much of the tint covers the picture, of 255.
constexpr int kTint = 110;
constexpr int kOpaque = 255;

/// A disk that reaches `radius` pixels from its centre.
cv::Mat disk(std::int64_t radius) {
  const auto side = static_cast<int>(2 * radius + 1);
  return cv::getStructuringElement(cv::MORPH_ELLIPSE, {side, side});
}

}  // namespace

void draw_mask(Image& image, const Mask& mask, Color color, std::int64_t line, std::int64_t edge) {
  REFERENT_CHECK(mask.width == image.width && mask.height == image.height,
                 "a mask of {} x {} on a picture of {} x {}", mask.width, mask.height, image.width,
                 image.height);
  // OpenCV only reads it.
  const cv::Mat inside(static_cast<int>(mask.height), static_cast<int>(mask.width), CV_8UC1,
                       const_cast<std::uint8_t*>(mask.pixels.data()));
  cv::Mat core;
  cv::erode(inside, core, disk(line));
  cv::Mat around;
  cv::dilate(inside, around, disk(edge));
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::uint8_t* pixel = image.row(y);
    const auto* in_core = core.ptr<std::uint8_t>(static_cast<int>(y));
    const auto* near = around.ptr<std::uint8_t>(static_cast<int>(y));
    const std::uint8_t* in = mask.row(y);
    for (std::int64_t x = 0; x < image.width; ++x, pixel += 3) {
      if (near[x] == 0) continue;
      const int coverage = in_core[x] != 0 ? kTint : kOpaque;
      blend(pixel, in[x] != 0 ? color : kDark, coverage);
    }
  }
}

}  // namespace referent::image
