// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "referent/core/error.h"
#include "referent/image/draw.h"
#include "referent/image/resample.h"

namespace referent::image {
namespace {

/// OpenCV takes coordinates in 1/16 pixel.
constexpr int kShift = 4;
/// Coordinates beyond this are cut, so that OpenCV's integers cannot overflow.
constexpr double kFarAway = 1 << 20;

constexpr Color kSheetColor{236, 236, 236};

/// `image` under OpenCV's header, not a copy.
cv::Mat as_mat(Image& image) {
  return cv::Mat(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                 image.pixels.data());
}

cv::Scalar as_scalar(Color color) {
  return cv::Scalar(color.r, color.g, color.b);
}

int to_fixed(double value) {
  return static_cast<int>(std::lround(std::clamp(value, -kFarAway, kFarAway) * (1 << kShift)));
}

/// For OpenCV whole numbers are the middles of pixels, for us their upper left corners.
cv::Point as_point(Point point) {
  REFERENT_CHECK(std::isfinite(point.x) && std::isfinite(point.y), "a point at ({}, {})", point.x,
                 point.y);
  return {to_fixed(point.x - 0.5), to_fixed(point.y - 0.5)};
}

void paste(Image& sheet, const Image& picture, std::int64_t left, std::int64_t top) {
  for (std::int64_t y = 0; y < picture.height; ++y) {
    std::copy_n(picture.row(y), 3 * picture.width, sheet.row(top + y) + 3 * left);
  }
}

}  // namespace

void fill_polygon(Image& image, std::span<const Point> vertices, Color color) {
  if (vertices.size() < 3 || image.empty()) return;
  std::vector<std::vector<cv::Point>> contours(1);
  for (const Point& vertex : vertices) contours[0].push_back(as_point(vertex));
  cv::Mat mat = as_mat(image);
  cv::fillPoly(mat, contours, as_scalar(color), cv::LINE_AA, kShift);
}

void fill_circle(Image& image, Point center, double radius, Color color) {
  REFERENT_CHECK(radius >= 0, "a circle of radius {}", radius);
  if (image.empty()) return;
  cv::Mat mat = as_mat(image);
  cv::circle(mat, as_point(center), to_fixed(radius), as_scalar(color), cv::FILLED, cv::LINE_AA,
             kShift);
}

Image contact_sheet(std::span<const Image> images, std::int64_t columns, std::int64_t cell_width) {
  REFERENT_CHECK(columns >= 1 && cell_width >= 1, "a sheet of {} columns of {} pixels", columns,
                 cell_width);
  if (images.empty()) return {};
  const std::int64_t gap = std::max<std::int64_t>(cell_width / 40, 2);
  const auto count = static_cast<std::int64_t>(images.size());
  columns = std::min(columns, count);
  const std::int64_t rows = (count + columns - 1) / columns;
  std::vector<Image> cells;
  std::vector<std::int64_t> heights(static_cast<std::size_t>(rows), 0);
  for (const Image& picture : images) {
    const double ratio = static_cast<double>(cell_width) / static_cast<double>(picture.width);
    const auto height =
        std::max<std::int64_t>(std::llround(static_cast<double>(picture.height) * ratio), 1);
    auto& row_height = heights[cells.size() / static_cast<std::size_t>(columns)];
    row_height = std::max(row_height, height);
    cells.push_back(resize(picture, cell_width, height, Filter::kBicubic));
  }
  std::int64_t height = gap;
  for (const std::int64_t row_height : heights) height += row_height + gap;
  Image sheet(gap + columns * (cell_width + gap), height);
  as_mat(sheet).setTo(as_scalar(kSheetColor));
  std::int64_t top = gap;
  for (std::int64_t i = 0; i < count; ++i) {
    paste(sheet, cells[static_cast<std::size_t>(i)], gap + i % columns * (cell_width + gap), top);
    if (i % columns == columns - 1) top += heights[static_cast<std::size_t>(i / columns)] + gap;
  }
  return sheet;
}

}  // namespace referent::image
