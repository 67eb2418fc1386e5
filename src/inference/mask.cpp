// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/mask.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "referent/core/error.h"
#include "referent/image/mask.h"

namespace referent::inference {
namespace {

/// The two logits that a pixel of the picture lies between.
struct Neighbours {
  std::int64_t first;
  std::int64_t second;
  float share;  ///< of the second
};

/// One direction of the way from a picture to the logits: `side` pixels of the picture became
/// `kept` at `offset` on the square of side `square`, over which `count` logits lie.
struct Axis {
  std::int64_t side;
  std::int64_t kept;
  std::int64_t offset;
  std::int64_t square;
  std::int64_t count;

  std::vector<Neighbours> neighbours() const {
    const double per_pixel = static_cast<double>(count) / static_cast<double>(square);
    const double step = static_cast<double>(kept) / static_cast<double>(side);
    const auto begin = static_cast<double>(offset);
    // Only logits that the picture touches: those on padding say nothing about it.
    const std::int64_t first_touched = offset * count / square;
    const std::int64_t last_touched = ((offset + kept) * count + square - 1) / square - 1;
    const auto first = static_cast<double>(first_touched);
    const auto last = static_cast<double>(last_touched);
    std::vector<Neighbours> result;
    result.reserve(static_cast<std::size_t>(side));
    for (std::int64_t i = 0; i < side; ++i) {
      const double on_square = begin + (static_cast<double>(i) + 0.5) * step;
      const double place = std::clamp(on_square * per_pixel - 0.5, first, last);
      const double below = std::floor(place);
      result.push_back({static_cast<std::int64_t>(below),
                        static_cast<std::int64_t>(std::min(below + 1, last)),
                        static_cast<float>(place - below)});
    }
    return result;
  }
};

/// A probability is above the threshold where its logit is above this, infinite at 0 and 1.
float logit_of(double threshold) {
  return static_cast<float>(std::log(threshold / (1 - threshold)));
}

/// Begin and end of what is true along the last dimension of [B, n], as shares of n: [B, 2], zero
/// where nothing is.
torch::Tensor extent(const torch::Tensor& on) {
  const auto count = static_cast<double>(on.size(1));
  const torch::Tensor bytes = on.to(torch::kUInt8);
  const torch::Tensor begin = bytes.argmax(1);
  const torch::Tensor end = on.size(1) - bytes.flip({1}).argmax(1);
  const torch::Tensor ends = torch::stack({begin, end}, 1).to(torch::kFloat32) / count;
  return ends * on.any(1, /*keepdim=*/true);
}

}  // namespace

torch::Tensor boxes_around_masks(const torch::Tensor& logits, double threshold) {
  const torch::Tensor on = logits.squeeze(1).gt(logit_of(threshold));  // [B, h, w]
  const torch::Tensor x = extent(on.any(1));
  const torch::Tensor y = extent(on.any(2));
  const auto middle = [](const torch::Tensor& ends) { return ends.mean(1); };
  const auto length = [](const torch::Tensor& ends) {
    return ends.select(1, 1) - ends.select(1, 0);
  };
  return torch::stack({middle(x), middle(y), length(x), length(y)}, 1).unsqueeze(1);
}

formats::Rle mask_to_original(const torch::Tensor& logits, const data::Sample& sample,
                              double threshold) {
  REFERENT_CHECK(logits.dim() == 2 && logits.numel() > 0 && sample.width > 0 && sample.height > 0,
                 "logits of {} dimensions for a picture of {} x {}", logits.dim(), sample.width,
                 sample.height);
  const torch::Tensor values = logits.contiguous();
  const auto* data = values.const_data_ptr<float>();
  const std::int64_t stride = values.size(1);
  const std::vector<Neighbours> columns =
      Axis{sample.original_width, sample.width, sample.left, sample.size, stride}.neighbours();
  const std::vector<Neighbours> rows =
      Axis{sample.original_height, sample.height, sample.top, sample.size, values.size(0)}
          .neighbours();
  const float limit = logit_of(threshold);
  image::Mask mask(sample.original_width, sample.original_height);
  std::uint8_t* pixel = mask.pixels.data();
  for (const Neighbours& row : rows) {
    const float* upper = data + stride * row.first;
    const float* lower = data + stride * row.second;
    for (const Neighbours& column : columns) {
      const float above =
          upper[column.first] + column.share * (upper[column.second] - upper[column.first]);
      const float below =
          lower[column.first] + column.share * (lower[column.second] - lower[column.first]);
      *pixel++ = above + row.share * (below - above) > limit ? 1 : 0;
    }
  }
  return image::rle_of(mask);
}

}  // namespace referent::inference
