// SPDX-License-Identifier: Apache-2.0
#include "synthetic_batch.h"

#include <torch/types.h>

#include <algorithm>
#include <array>

namespace referent::app::bench {
namespace {

using torch::Tensor;

/// Pictures and expressions of several shapes, as they come in RefCOCO: height and width over the
/// square, and a number of tokens.
struct Shape {
  double height;
  double width;
  double tokens;
};
constexpr std::array<Shape, 4> kShapes{
    {{0.75, 1.0, 0.6}, {1.0, 0.667, 1.0}, {0.667, 1.0, 0.35}, {1.0, 0.75, 0.45}}};

}  // namespace

Batch make_batch(const engine::RunConfig& config, std::int64_t batch_size) {
  torch::manual_seed(1);
  const std::int64_t side = config.data.image.size;
  const std::int64_t length = config.data.text.length;
  Batch batch;
  batch.images = torch::zeros({batch_size, 3, side, side});
  batch.image_padding = torch::ones({batch_size, side, side}, torch::kBool);
  batch.tokens = torch::zeros({batch_size, length}, torch::kInt64);
  batch.token_padding = torch::ones({batch_size, length}, torch::kBool);
  batch.boxes = torch::tensor({0.5F, 0.5F, 0.3F, 0.4F}).expand({batch_size, 4});
  if (config.model.heads.mask) {
    batch.masks = torch::zeros({batch_size, side, side}, torch::kUInt8);
    batch.masks.narrow(1, side / 4, side / 3).narrow(2, side / 4, side / 3).fill_(1);
    batch.has_mask = torch::ones({batch_size}, torch::kBool);
  }
  for (std::int64_t b = 0; b < batch_size; ++b) {
    const Shape& shape = kShapes.at(static_cast<std::size_t>(b) % kShapes.size());
    const auto height = static_cast<std::int64_t>(shape.height * static_cast<double>(side));
    const auto width = static_cast<std::int64_t>(shape.width * static_cast<double>(side));
    const auto inside = [&](const Tensor& map) {
      return map.narrow(-2, (side - height) / 2, height).narrow(-1, (side - width) / 2, width);
    };
    inside(batch.images[b]).normal_();
    inside(batch.image_padding[b]).fill_(false);
    const std::int64_t tokens = std::max<std::int64_t>(
        3, static_cast<std::int64_t>(shape.tokens * static_cast<double>(length)));
    batch.tokens[b].narrow(0, 0, tokens).random_(1, config.model.text_encoder.vocabulary_size);
    batch.token_padding[b].narrow(0, 0, tokens).fill_(false);
  }
  batch.images = batch.images.contiguous(torch::MemoryFormat::ChannelsLast);
  return batch;
}

}  // namespace referent::app::bench
