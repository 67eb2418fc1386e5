// SPDX-License-Identifier: Apache-2.0
#include "referent/data/released_augment.h"

#include <algorithm>
#include <array>
#include <utility>

#include "referent/data/words.h"
#include "referent/image/color.h"
#include "referent/text/utf8.h"

namespace referent::data {
namespace {

constexpr std::int64_t kScales = 7;
constexpr std::int64_t kScaleStep = 32;
constexpr std::array<std::int64_t, 3> kShortSides{400, 500, 600};
constexpr std::int64_t kCropMinSide = 384;
constexpr std::int64_t kCropMaxSide = 600;
constexpr int kCropTries = 20;
constexpr double kCropProbability = 0.5;
constexpr double kJitterProbability = 0.8;
constexpr double kJitter = 0.4;
constexpr double kBlurProbability = 0.5;
constexpr double kFlipProbability = 0.5;
constexpr double kMinSigma = 0.1;
constexpr double kMaxSigma = 2.0;

void jitter_colors(View& view, Draws& draws) {
  using Adjust = void (*)(image::Image&, double);
  constexpr std::array<Adjust, 3> kAdjust{&image::adjust_brightness, &image::adjust_contrast,
                                          &image::adjust_saturation};
  if (draws.random() >= kJitterProbability) return;
  for (const std::int64_t index : draws.permutation(static_cast<std::int64_t>(kAdjust.size()))) {
    kAdjust.at(static_cast<std::size_t>(index))(view.image,
                                                draws.uniform(1 - kJitter, 1 + kJitter));
  }
}

void blur(View& view, Draws& draws, double probability) {
  if (draws.random() >= probability) return;
  image::gaussian_blur(view.image, draws.uniform(kMinSigma, kMaxSigma));
}

}  // namespace

ReleasedAugment::ReleasedAugment(const AugmentConfig& config, std::int64_t size)
    : config_(config), size_(size) {
  for (std::int64_t i = 0; i < (config.scale ? kScales : 1); ++i) {
    // Squares too small for seven steps go down as far as one step.
    long_sides_.push_back(std::max(size - kScaleStep * i, std::min(size, kScaleStep)));
  }
}

Sample ReleasedAugment::operator()(View view, Draws& draws, const StageObserver& observer) const {
  const auto report = [&](std::string_view stage) {
    if (observer) observer(stage, view);
  };
  // The released loader lower-cases first, and its exchange of words knows lower case only.
  if (config_.released_quirks) view.expression = text::to_lower(view.expression);
  resize(view, draws);
  report("resize");
  if (config_.color) jitter_colors(view, draws);
  report("color_jitter");
  blur(view, draws, config_.blur ? kBlurProbability : 0.0);
  report("blur");
  flip(view, draws);
  report("flip");

  const std::int64_t spare_height = size_ - view.image.height;
  const std::int64_t spare_width = size_ - view.image.width;
  const auto offset = [&](std::int64_t space) {
    return config_.translate ? draws.randint(0, space) : middle_offset(space);
  };
  const std::int64_t top = offset(spare_height);
  const std::int64_t left = offset(spare_width);
  return place(std::move(view), size_, left, top);
}

void ReleasedAugment::resize(View& view, Draws& draws) const {
  const bool names_direction = config_.released_quirks
                                   ? contains_any(view.expression, direction_words())
                                   : has_word_beginning_with(view.expression, direction_words());
  if (!names_direction && draws.random() < (config_.crop ? kCropProbability : 0.0)) {
    resize_short_side(view, draws.choice(kShortSides));
    crop_around_target(view, draws);
  }
  resize_long_side(view, draws.choice(long_sides_));
}

void ReleasedAugment::crop_around_target(View& view, Draws& draws) const {
  for (int attempt = 0; attempt < kCropTries; ++attempt) {
    const std::int64_t width =
        draws.randint(kCropMinSide, std::min(view.image.width, kCropMaxSide));
    const std::int64_t height =
        draws.randint(kCropMinSide, std::min(view.image.height, kCropMaxSide));
    const CropCorner corner = draws.crop_corner(view.image.width, view.image.height, width, height);
    if (accepts(view, corner, width, height)) {
      crop(view, corner.left, corner.top, width, height);
      return;
    }
  }
}

bool ReleasedAugment::accepts(const View& view, const CropCorner& corner, std::int64_t width,
                              std::int64_t height) const {
  const float x = (view.box[0] + view.box[2]) / 2.0F;
  const float y = (view.box[1] + view.box[3]) / 2.0F;
  const auto left = static_cast<float>(corner.left);
  const auto top = static_cast<float>(corner.top);
  if (config_.released_quirks) return x > top && y > left;
  return x > left && x < left + static_cast<float>(width) && y > top &&
         y < top + static_cast<float>(height);
}

void ReleasedAugment::flip(View& view, Draws& draws) const {
  if (draws.random() >= kFlipProbability) return;
  flip_horizontal(view);
  view.expression = config_.released_quirks ? exchange_left_right_anywhere(view.expression)
                                            : exchange_left_right(view.expression);
}

}  // namespace referent::data
