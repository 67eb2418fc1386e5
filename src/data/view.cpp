// SPDX-License-Identifier: Apache-2.0
#include "referent/data/view.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "referent/core/error.h"

namespace referent::data {
namespace {

/// `value` cut to a whole number. x2 - x1 of a box stored as corners may fall short of the
/// annotated whole width by a few units in the last place; this margin gives them back.
double whole(double value) {
  return std::trunc(value + std::copysign(1e-9, value));
}

/// What a resize may make of a picture: as much as is decoded at all. A strip of 10,000 x 1 pixels
/// brought to a short side of 400 would take 5 GB.
constexpr double kMaxPixels = 1e8;

/// Python's round(): to nearest, half to even.
std::int64_t round_half_even(double value) {
  return static_cast<std::int64_t>(std::nearbyint(value));
}

void resize_by(View& view, double ratio) {
  const auto scaled = [ratio](std::int64_t side) {
    return std::max<std::int64_t>(1, round_half_even(static_cast<double>(side) * ratio));
  };
  const std::int64_t width = scaled(view.image.width);
  const std::int64_t height = scaled(view.image.height);
  if (static_cast<double>(width) * static_cast<double>(height) > kMaxPixels) {
    throw DataError("a picture of {} x {} pixels would become one of {} x {}: it is too narrow",
                    view.image.width, view.image.height, width, height);
  }
  resize_pixels(view, width, height);
  for (float& coordinate : view.box) coordinate *= static_cast<float>(ratio);
  view.scale *= ratio;
}

}  // namespace

formats::Rle target_rle(const Example& example, std::int64_t width, std::int64_t height) {
  try {
    return image::rle_of(*example.mask, width, height);
  } catch (const DataError& error) {
    throw DataError("{}: the mask of example {}: {}", example.image.string(), example.id,
                    error.what());
  }
}

View make_view(const Example& example, image::Image image, bool whole_pixels) {
  if (image.empty()) throw DataError("{}: the picture has no pixels", example.image.string());
  image::Box box = example.box;
  if (!std::isfinite(box.x1) || !std::isfinite(box.y1) || !std::isfinite(box.x2) ||
      !std::isfinite(box.y2)) {
    throw DataError("{}: the box of example {} is not finite", example.image.string(), example.id);
  }
  if (whole_pixels) {
    const double width = whole(box.width());
    const double height = whole(box.height());
    box.x1 = whole(box.x1);
    box.y1 = whole(box.y1);
    box.x2 = box.x1 + width;
    box.y2 = box.y1 + height;
  }
  View view;
  if (example.mask) view.mask = image::mask_of(target_rle(example, image.width, image.height));
  view.image = std::move(image);
  view.box = {static_cast<float>(box.x1), static_cast<float>(box.y1), static_cast<float>(box.x2),
              static_cast<float>(box.y2)};
  view.expression = example.expression;
  return view;
}

void resize_pixels(View& view, std::int64_t width, std::int64_t height) {
  if (width == view.image.width && height == view.image.height) return;
  view.image = image::resize(view.image, width, height, view.filter);
  if (view.mask) view.mask = image::resize(*view.mask, width, height, view.mask_resize);
}

void resize_long_side(View& view, std::int64_t size) {
  const auto side = static_cast<double>(std::max(view.image.width, view.image.height));
  resize_by(view, static_cast<double>(size) / side);
}

void resize_short_side(View& view, std::int64_t size) {
  const auto side = static_cast<double>(std::min(view.image.width, view.image.height));
  resize_by(view, static_cast<double>(size) / side);
}

void crop(View& view, std::int64_t left, std::int64_t top, std::int64_t width,
          std::int64_t height) {
  view.image = image::crop(view.image, left, top, width, height);
  if (view.mask) view.mask = image::crop(*view.mask, left, top, width, height);
  const std::array<float, 2> corner{static_cast<float>(left), static_cast<float>(top)};
  const std::array<float, 2> limit{static_cast<float>(width), static_cast<float>(height)};
  for (std::size_t i = 0; i < view.box.size(); ++i) {
    view.box[i] = std::max(0.0F, std::min(view.box[i] - corner[i % 2], limit[i % 2]));
  }
}

void flip_horizontal(View& view) {
  view.image = image::flip_horizontal(std::move(view.image));
  if (view.mask) view.mask = image::flip_horizontal(*view.mask);
  const auto width = static_cast<float>(view.image.width);
  view.box = {width - view.box[2], view.box[1], width - view.box[0], view.box[3]};
}

std::int64_t middle_offset(std::int64_t space) {
  return round_half_even(static_cast<double>(space) / 2.0 - 0.1);
}

Sample place(View view, std::int64_t size, std::int64_t left, std::int64_t top) {
  if (left < 0 || top < 0 || left + view.image.width > size || top + view.image.height > size) {
    throw DataError("a picture of {} x {} pixels at ({}, {}) does not fit a square of side {}",
                    view.image.width, view.image.height, left, top, size);
  }
  const auto side = static_cast<float>(size);
  const float x1 = view.box[0] + static_cast<float>(left);
  const float y1 = view.box[1] + static_cast<float>(top);
  const float x2 = view.box[2] + static_cast<float>(left);
  const float y2 = view.box[3] + static_cast<float>(top);
  Sample sample;
  sample.target = {(x1 + x2) / 2.0F / side, (y1 + y2) / 2.0F / side, (x2 - x1) / side,
                   (y2 - y1) / side};
  sample.width = view.image.width;
  sample.height = view.image.height;
  sample.image = std::move(view.image);
  sample.mask = std::move(view.mask);
  sample.size = size;
  sample.top = top;
  sample.left = left;
  sample.scale = view.scale;
  sample.expression = std::move(view.expression);
  return sample;
}

}  // namespace referent::data
