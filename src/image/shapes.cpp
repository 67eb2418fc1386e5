// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "pixel.h"
#include "referent/core/error.h"
#include "referent/image/draw.h"
#include "referent/image/resample.h"

namespace referent::image {
namespace {

/// OpenCV's own antialiasing draws shapes two thirds of a pixel too large on every side, so they
/// are filled without it on a grid this much finer, and averaged.
constexpr int kFiner = 4;
/// Fraction bits of the coordinates on that grid.
constexpr int kShift = 4;
/// Coordinates beyond this are cut, so that OpenCV's integers cannot overflow.
constexpr double kFarAway = 1 << 20;

constexpr std::uint8_t kSheetGrey = 236;

int to_fixed(double value) {
  return static_cast<int>(std::lround(std::clamp(value, -kFarAway, kFarAway) * (1 << kShift)));
}

void check_finite(Point point) {
  REFERENT_CHECK(std::isfinite(point.x) && std::isfinite(point.y), "a shape at ({}, {})", point.x,
                 point.y);
}

/// Fills a shape that lies between `low` and `high`. `draw(mask, to_mask)` draws it with the value
/// 255 on the finer grid; `to_mask` takes a point of the picture there.
template <typename Draw>
void fill_shape(Image& image, Point low, Point high, Color color, const Draw& draw) {
  const auto width = static_cast<double>(image.width);
  const auto height = static_cast<double>(image.height);
  const auto left = static_cast<int>(std::clamp(std::floor(low.x), 0.0, width));
  const auto right = static_cast<int>(std::clamp(std::ceil(high.x), 0.0, width));
  const auto top = static_cast<int>(std::clamp(std::floor(low.y), 0.0, height));
  const auto bottom = static_cast<int>(std::clamp(std::ceil(high.y), 0.0, height));
  if (left >= right || top >= bottom) return;

  cv::Mat mask = cv::Mat::zeros((bottom - top) * kFiner, (right - left) * kFiner, CV_8UC1);
  // For OpenCV whole numbers are the middles of pixels, for us their upper left corners.
  draw(mask, [&](Point point) {
    return cv::Point(to_fixed((point.x - left) * kFiner - 0.5),
                     to_fixed((point.y - top) * kFiner - 0.5));
  });
  cv::Mat coverage;
  cv::resize(mask, coverage, cv::Size(right - left, bottom - top), 0, 0, cv::INTER_AREA);
  for (int y = top; y < bottom; ++y) {
    const auto* covered = coverage.ptr<std::uint8_t>(y - top);
    std::uint8_t* pixel = image.row(y) + std::ptrdiff_t{3} * left;
    for (int x = left; x < right; ++x, pixel += 3) blend(pixel, color, covered[x - left]);
  }
}

void paste(Image& sheet, const Image& picture, std::int64_t left, std::int64_t top) {
  for (std::int64_t y = 0; y < picture.height; ++y) {
    std::copy_n(picture.row(y), 3 * picture.width, sheet.row(top + y) + 3 * left);
  }
}

}  // namespace

void fill_polygon(Image& image, std::span<const Point> vertices, Color color) {
  if (vertices.size() < 3) return;
  Point low = vertices[0];
  Point high = vertices[0];
  for (const Point& vertex : vertices) {
    check_finite(vertex);
    low = {std::min(low.x, vertex.x), std::min(low.y, vertex.y)};
    high = {std::max(high.x, vertex.x), std::max(high.y, vertex.y)};
  }
  fill_shape(image, low, high, color, [&](cv::Mat& mask, const auto& to_mask) {
    std::vector<std::vector<cv::Point>> contours(1);
    for (const Point& vertex : vertices) contours[0].push_back(to_mask(vertex));
    cv::fillPoly(mask, contours, cv::Scalar(255), cv::LINE_8, kShift);
  });
}

void fill_circle(Image& image, Point center, double radius, Color color) {
  check_finite(center);
  REFERENT_CHECK(radius >= 0 && std::isfinite(radius), "a circle of radius {}", radius);
  const Point low{center.x - radius, center.y - radius};
  const Point high{center.x + radius, center.y + radius};
  fill_shape(image, low, high, color, [&](cv::Mat& mask, const auto& to_mask) {
    cv::circle(mask, to_mask(center), to_fixed(radius * kFiner), cv::Scalar(255), cv::FILLED,
               cv::LINE_8, kShift);
  });
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
  std::fill(sheet.pixels.begin(), sheet.pixels.end(), kSheetGrey);
  std::int64_t top = gap;
  for (std::int64_t i = 0; i < count; ++i) {
    paste(sheet, cells[static_cast<std::size_t>(i)], gap + i % columns * (cell_width + gap), top);
    if (i % columns == columns - 1) top += heights[static_cast<std::size_t>(i / columns)] + gap;
  }
  return sheet;
}

}  // namespace referent::image
