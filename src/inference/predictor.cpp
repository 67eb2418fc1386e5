// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/predictor.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "referent/checkpoint/checkpoint.h"
#include "referent/core/error.h"
#include "referent/image/decode.h"
#include "referent/inference/build.h"
#include "referent/inference/mask.h"
#include "referent/loader/collate.h"
#include "referent/models/init.h"
#include "referent/text/config.h"

namespace referent::inference {
namespace {

image::Image copy_pixels(const PixelView& pixels) {
  REFERENT_CHECK(pixels.width >= 0 && pixels.height >= 0 && pixels.stride >= 3 * pixels.width,
                 "pixels of {} x {} with a stride of {} bytes", pixels.width, pixels.height,
                 pixels.stride);
  image::Image image(pixels.width, pixels.height);
  for (std::int64_t y = 0; y < pixels.height; ++y) {
    std::memcpy(image.row(y), pixels.data + pixels.stride * y,
                static_cast<std::size_t>(3 * pixels.width));
  }
  return image;
}

engine::RunConfig config_of(const checkpoint::Checkpoint& checkpoint, const Path& path) {
  if (checkpoint.config.empty() || checkpoint.vocabulary.empty()) {
    throw CheckpointError("{}: the checkpoint holds no {}, without which it cannot be used",
                          path.string(),
                          checkpoint.config.empty() ? "configuration" : "vocabulary");
  }
  try {
    return engine::parse_run_config(checkpoint.config, path.string());
  } catch (const ConfigError& error) {
    throw CheckpointError("the configuration in this checkpoint cannot be used: {}", error.what());
  }
}

}  // namespace

image::Box to_original(const std::array<float, 4>& box, const data::Sample& sample) {
  const auto size = static_cast<double>(sample.size);
  const auto coordinate = [&](double on_square, std::int64_t offset, std::int64_t limit) {
    const double pixel = (on_square * size - static_cast<double>(offset)) / sample.scale;
    return std::clamp(pixel, 0.0, static_cast<double>(limit));
  };
  const double cx = box[0], cy = box[1], w = box[2], h = box[3];
  return {coordinate(cx - w / 2, sample.left, sample.original_width),
          coordinate(cy - h / 2, sample.top, sample.original_height),
          coordinate(cx + w / 2, sample.left, sample.original_width),
          coordinate(cy + h / 2, sample.top, sample.original_height)};
}

Predictor::Predictor(const Path& path, torch::Device device) : device_(device) {
  const checkpoint::Checkpoint checkpoint = checkpoint::read_checkpoint(path);
  const auto config = config_of(checkpoint, path);
  const auto model = build_model(config);
  models::load_weights(*model, checkpoint);
  *this = Predictor(model, config, text::make_word_piece(checkpoint.vocabulary), device);
}

Predictor::Predictor(std::shared_ptr<models::Model> model, const engine::RunConfig& config,
                     std::shared_ptr<const text::Tokenizer> tokenizer, torch::Device device)
    : config_(config),
      device_(device),
      model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      transform_(data::make_evaluation_transform(transform_context(config_, tokenizer_))) {
  model_->to(device_);
  model_->eval();
}

data::Sample Predictor::make_sample(const image::Image& image, std::string_view expression) const {
  data::Example example;
  example.id = "query";
  example.image = "the picture";
  example.expression = expression;
  RandomStream unused(0);
  return (*transform_)(example, image, unused);
}

Prediction Predictor::ground(const image::Image& image, std::string_view expression) const {
  const Query query{&image, std::string(expression)};
  return ground(std::span(&query, 1)).front();
}

Prediction Predictor::ground(const PixelView& pixels, std::string_view expression) const {
  return ground(copy_pixels(pixels), expression);
}

Prediction Predictor::ground(const Path& file, std::string_view expression) const {
  return ground(image::decode_file(file, image::Orientation::kApply), expression);
}

std::vector<Prediction> Predictor::ground(std::span<const Query> queries) const {
  const auto batch_size = static_cast<std::size_t>(config_.eval.batch_size);
  std::vector<Prediction> predictions;
  for (std::size_t begin = 0; begin < queries.size(); begin += batch_size) {
    std::vector<data::Sample> samples;
    for (const Query& query :
         queries.subspan(begin, std::min(batch_size, queries.size() - begin))) {
      samples.push_back(make_sample(*query.image, query.expression));
    }
    const Output output =
        forward(loader::collate(samples, config_.data.text.length, tokenizer_->pad_id()));
    const auto boxes = output.boxes.accessor<float, 3>();  // [B, 1, 4]
    for (std::size_t i = 0; i < samples.size(); ++i) {
      std::array<float, 4> box{};
      const auto row = boxes[static_cast<std::int64_t>(i)][0];
      for (std::size_t k = 0; k < 4; ++k) box[k] = row[static_cast<std::int64_t>(k)];
      std::optional<double> score;
      if (output.scores.defined())
        score = output.scores[static_cast<std::int64_t>(i)][0].item<double>();
      predictions.push_back({to_original(box, samples[i]), score, queries[begin + i].expression,
                             mask_of(output, static_cast<std::int64_t>(i), samples[i])});
    }
  }
  return predictions;
}

Output Predictor::forward(const Batch& batch) const {
  const c10::InferenceMode inference;
  const Output output = model_->forward(batch.to(device_));
  const auto host = [](const Tensor& tensor) {
    return tensor.defined() ? tensor.to(torch::kCPU, torch::kFloat32).contiguous() : tensor;
  };
  Output result{host(output.boxes), host(output.scores), host(output.mask_logits)};
  if (!result.boxes.defined()) {
    // What a model says of padding is no part of the mask, nor of its box.
    const Tensor padding = batch.image_padding.to(torch::kCPU).unsqueeze(1);
    const Tensor inside =
        result.mask_logits.masked_fill(padding, -std::numeric_limits<double>::infinity());
    result.boxes = boxes_around_masks(inside, config_.model.heads.mask->threshold);
  }
  return result;
}

std::optional<formats::Rle> Predictor::mask_of(const Output& output, std::int64_t index,
                                               const data::Sample& sample) const {
  if (!output.mask_logits.defined()) return std::nullopt;
  REFERENT_CHECK(has_mask_head(), "a mask of a model that is configured without mask head");
  return mask_to_original(output.mask_logits[index][0], sample,
                          config_.model.heads.mask->threshold);
}

}  // namespace referent::inference
