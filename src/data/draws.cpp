// SPDX-License-Identifier: Apache-2.0
#include "referent/data/draws.h"

#include <fmt/ranges.h>

#include <numeric>
#include <utility>

#include "referent/core/error.h"

namespace referent::data {

std::vector<std::int64_t> StreamDraws::permutation(std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  stream_.shuffle(order);
  return order;
}

CropCorner StreamDraws::crop_corner(std::int64_t width, std::int64_t height,
                                    std::int64_t crop_width, std::int64_t crop_height) {
  CropCorner corner;
  corner.top = stream_.integer(0, height - crop_height);
  corner.left = stream_.integer(0, width - crop_width);
  return corner;
}

double ReplayedDraws::random() {
  return take("random", {}, 1)[0];
}

double ReplayedDraws::uniform(double low, double high) {
  return take("uniform", {low, high}, 1)[0];
}

std::int64_t ReplayedDraws::randint(std::int64_t low, std::int64_t high) {
  return static_cast<std::int64_t>(
      take("randint", {static_cast<double>(low), static_cast<double>(high)}, 1)[0]);
}

std::int64_t ReplayedDraws::choice(std::span<const std::int64_t> values) {
  return static_cast<std::int64_t>(take("choice", {values.begin(), values.end()}, 1)[0]);
}

std::vector<std::int64_t> ReplayedDraws::permutation(std::int64_t count) {
  const auto& order =
      take("permutation", {static_cast<double>(count)}, static_cast<std::size_t>(count));
  return {order.begin(), order.end()};
}

CropCorner ReplayedDraws::crop_corner(std::int64_t width, std::int64_t height,
                                      std::int64_t crop_width, std::int64_t crop_height) {
  const auto& region = take("crop_params",
                            {static_cast<double>(width), static_cast<double>(height),
                             static_cast<double>(crop_width), static_cast<double>(crop_height)},
                            4);
  return {static_cast<std::int64_t>(region[0]), static_cast<std::int64_t>(region[1])};
}

const std::vector<double>& ReplayedDraws::take(std::string_view function,
                                               std::vector<double> arguments, std::size_t values) {
  if (next_ == record_.size()) {
    throw DataError("draw {}: the record ends before {}({})", next_, function,
                    fmt::join(arguments, ", "));
  }
  const RecordedDraw& draw = record_[next_];
  if (draw.function != function || draw.arguments != arguments || draw.values.size() != values) {
    throw DataError(
        "draw {}: the transform asks for {}({}) with {} values, recorded is {}({}) with {}", next_,
        function, fmt::join(arguments, ", "), values, draw.function,
        fmt::join(draw.arguments, ", "), draw.values.size());
  }
  ++next_;
  return draw.values;
}

}  // namespace referent::data
