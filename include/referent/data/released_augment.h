// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

#include "referent/data/config.h"
#include "referent/data/draws.h"
#include "referent/data/view.h"

namespace referent::data {

/// Sees the view after a stage of the released train transform: "resize", "color_jitter", "blur",
/// "flip".
using StageObserver = std::function<void(std::string_view stage, const View& view)>;

/// The train transform of TransVG and MMCA, draw for draw:
///   1. resize the long side to a multiple of 32 below the square's side; or, with probability 1/2
///      and never where the words name a direction, first resize the short side to 400, 500 or 600
///      and crop 384 to 600 pixels each way around the box's centre;
///   2. with probability 0.8 brightness, contrast and saturation by 0.6 to 1.4 in random order;
///   3. with `blur`, half of the time a blur with a sigma of 0.1 to 2;
///   4. half of the time a horizontal flip, with left and right exchanged in the words;
///   5. a random place on the square.
/// Without `released_quirks` its faults are mended (AugmentConfig says which); the draws are the
/// same then, but other crops are accepted.
class ReleasedAugment {
 public:
  /// `size` is the side of the square [pixels].
  ReleasedAugment(const AugmentConfig& config, std::int64_t size);

  /// The sample without id, tokens and original size.
  Sample operator()(View view, Draws& draws, const StageObserver& observer = {}) const;

 private:
  void resize(View& view, Draws& draws) const;
  void crop_around_target(View& view, Draws& draws) const;
  bool accepts(const View& view, const CropCorner& corner, std::int64_t width,
               std::int64_t height) const;
  void flip(View& view, Draws& draws) const;

  AugmentConfig config_;
  std::int64_t size_;
  std::vector<std::int64_t> long_sides_;
};

}  // namespace referent::data
