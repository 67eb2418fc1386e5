// SPDX-License-Identifier: Apache-2.0
#include "referent/data/simple_augment.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "referent/data/words.h"

namespace referent::data {
namespace {

/// Resizes to exactly `width` x `height`; unlike a resize by one side it may stretch.
void stretch(View& view, std::int64_t width, std::int64_t height) {
  const float ratio_x = static_cast<float>(width) / static_cast<float>(view.image.width);
  const float ratio_y = static_cast<float>(height) / static_cast<float>(view.image.height);
  resize_pixels(view, width, height);
  view.box = {view.box[0] * ratio_x, view.box[1] * ratio_y, view.box[2] * ratio_x,
              view.box[3] * ratio_y};
}

/// Whether [begin, begin + length) keeps [low, high] but for `cut` of its length at either end.
bool keeps(std::int64_t begin, std::int64_t length, float low, float high, double cut) {
  const double margin = cut * static_cast<double>(high - low);
  return static_cast<double>(begin) <= low + margin &&
         static_cast<double>(begin + length) >= high - margin;
}

void crop_around_box(View& view, const SimpleAugmentConfig& config, RandomStream& stream) {
  const std::int64_t width = view.image.width;
  const std::int64_t height = view.image.height;
  const auto draw_side = [&](std::int64_t side) {
    const auto least =
        static_cast<std::int64_t>(std::nearbyint(config.crop_min_side * static_cast<double>(side)));
    return stream.integer(std::max<std::int64_t>(1, least), side);
  };
  for (std::int64_t attempt = 0; attempt < config.crop_tries; ++attempt) {
    const std::int64_t crop_width = draw_side(width);
    const std::int64_t crop_height = draw_side(height);
    const std::int64_t left = stream.integer(0, width - crop_width);
    const std::int64_t top = stream.integer(0, height - crop_height);
    if (keeps(left, crop_width, view.box[0], view.box[2], config.crop_cut) &&
        keeps(top, crop_height, view.box[1], view.box[3], config.crop_cut)) {
      crop(view, left, top, crop_width, crop_height);
      stretch(view, width, height);
      return;
    }
  }
}

/// The three factors in one pass: each is affine in the pixel, in its mean and in the picture's.
void jitter_colors(image::Image& image, double amount, RandomStream& stream) {
  const auto factor = [&] {
    return static_cast<float>(stream.uniform(1.0 - amount, 1.0 + amount));
  };
  const float brightness = factor();
  const float contrast = factor();
  const float saturation = factor();
  const double sum = std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0);
  const float mean =
      static_cast<float>(sum / static_cast<double>(image.pixels.size())) * brightness;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    const auto adjusted = [&](std::size_t channel) {
      const float value = static_cast<float>(image.pixels[i + channel]) * brightness;
      return (value - mean) * contrast + mean;
    };
    const float red = adjusted(0);
    const float green = adjusted(1);
    const float blue = adjusted(2);
    const float grey = (red + green + blue) / 3.0F;
    const auto store = [&](std::size_t channel, float value) {
      const float clipped = std::clamp((value - grey) * saturation + grey, 0.0F, 255.0F);
      image.pixels[i + channel] = static_cast<std::uint8_t>(std::lround(clipped));
    };
    store(0, red);
    store(1, green);
    store(2, blue);
  }
}

}  // namespace

void augment_simple(View& view, const SimpleAugmentConfig& config, RandomStream& stream) {
  if (stream.chance(config.flip)) {
    flip_horizontal(view);
    view.expression = exchange_left_right(view.expression);
  }
  if (stream.chance(config.crop) && !contains_any(view.expression, config.place_words)) {
    crop_around_box(view, config, stream);
  }
  if (config.jitter > 0) jitter_colors(view.image, config.jitter, stream);
}

}  // namespace referent::data
