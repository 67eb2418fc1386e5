// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/predictor.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>

#include "referent/checkpoint/checkpoint.h"
#include "referent/core/error.h"
#include "referent/image/decode.h"
#include "referent/inference/build.h"
#include "referent/inference/mask.h"
#include "referent/loader/collate.h"

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

std::shared_ptr<const text::Tokenizer> tokenizer_of(const checkpoint::Checkpoint& checkpoint,
                                                    const engine::RunConfig& config,
                                                    const Path& path) {
  try {
    return build_tokenizer(config, checkpoint.vocabulary);
  } catch (const ConfigError& error) {
    throw CheckpointError("{}: its tokenizer cannot be used: {}", path.string(), error.what());
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

Predictor::Predictor(const engine::RunConfig& config,
                     std::shared_ptr<const text::Tokenizer> tokenizer, torch::Device device)
    : config_(config),
      device_(device),
      tokenizer_(std::move(tokenizer)),
      transform_(data::make_evaluation_transform(transform_context(config_, tokenizer_))) {}

Predictor::Predictor(const Path& path, const Plan::Options& options) : device_(options.device) {
  const checkpoint::Checkpoint checkpoint = checkpoint::read_checkpoint(path);
  const engine::RunConfig config = config_of(checkpoint, path.string());
  *this = Predictor(config, tokenizer_of(checkpoint, config, path), options.device);
  plan_ = std::make_shared<const Plan>(config_.model, input_shape(config_), checkpoint, options);
}

Predictor::Predictor(std::shared_ptr<models::Model> model, const engine::RunConfig& config,
                     std::shared_ptr<const text::Tokenizer> tokenizer, torch::Device device)
    : Predictor(config, std::move(tokenizer), device) {
  model_ = std::move(model);
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
  std::vector<Prediction> predictions(queries.size());
  std::map<const image::Image*, std::vector<std::size_t>> by_picture;
  for (std::size_t i = 0; i < queries.size(); ++i) by_picture[queries[i].image].push_back(i);

  std::vector<std::size_t> alone;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const std::vector<std::size_t>& together = by_picture.at(queries[i].image);
    if (plan_ == nullptr || together.size() == 1) {
      alone.push_back(i);
    } else if (together.front() == i) {
      ground_about_one(queries, together, predictions);
    }
  }
  const auto batch_size = static_cast<std::size_t>(config_.eval.batch_size);
  for (std::size_t begin = 0; begin < alone.size(); begin += batch_size) {
    const auto part = std::span(alone).subspan(begin, std::min(batch_size, alone.size() - begin));
    std::vector<data::Sample> samples;
    for (const std::size_t i : part) {
      samples.push_back(make_sample(*queries[i].image, queries[i].expression));
    }
    const Output output =
        forward(loader::collate(samples, config_.data.text.length, tokenizer_->pad_id()));
    for (std::size_t k = 0; k < part.size(); ++k) {
      predictions[part[k]] = prediction_of(output, static_cast<std::int64_t>(k), samples[k],
                                           queries[part[k]].expression);
    }
  }
  return predictions;
}

void Predictor::ground_about_one(std::span<const Query> queries,
                                 std::span<const std::size_t> of_picture,
                                 std::span<Prediction> predictions) const {
  const Query& first = queries[of_picture.front()];
  const data::Sample sample = make_sample(*first.image, first.expression);
  std::vector<text::Encoded> expressions;
  for (const std::size_t i : of_picture) {
    expressions.push_back(transform_->read(queries[i].expression));
  }
  const std::int64_t length = config_.data.text.length;
  const std::int64_t pad = tokenizer_->pad_id();
  const Batch picture = loader::collate(std::span(&sample, 1), length, pad);
  const loader::Texts words = loader::collate_texts(expressions, length, pad);
  const TextFeatures features = plan_->read(words.tokens, words.padding);
  const auto seen = plan_->see(picture.images, picture.image_padding);
  for (std::size_t k = 0; k < of_picture.size(); ++k) {
    const auto index = static_cast<std::int64_t>(k);
    const bool again = k + 1 < of_picture.size();
    const Output output = plan_->ground(*seen, Plan::part_of(features, index, 1), again);
    predictions[of_picture[k]] = prediction_of(finish(output, picture.image_padding), 0, sample,
                                               queries[of_picture[k]].expression);
  }
}

Prediction Predictor::prediction_of(const Output& output, std::int64_t index,
                                    const data::Sample& sample,
                                    const std::string& expression) const {
  const Tensor row = output.boxes[index][0];
  std::array<float, 4> box{};
  for (std::size_t k = 0; k < 4; ++k) box[k] = row[static_cast<std::int64_t>(k)].item<float>();
  std::optional<double> score;
  if (output.scores.defined()) score = output.scores[index][0].item<double>();
  return {to_original(box, sample), score, expression, mask_of(output, index, sample)};
}

Output Predictor::forward(const Batch& batch) const {
  const c10::InferenceMode inference;
  return finish(plan_ != nullptr ? plan_->forward(batch) : model_->forward(batch.to(device_)),
                batch.image_padding);
}

/// On the CPU in float32, with the box of a model that has a mask head alone.
Output Predictor::finish(const Output& output, const Tensor& image_padding) const {
  const c10::InferenceMode inference;
  const auto host = [](const Tensor& tensor) {
    return tensor.defined() ? tensor.to(torch::kCPU, torch::kFloat32).contiguous() : tensor;
  };
  Output result{host(output.boxes), host(output.scores), host(output.mask_logits)};
  if (!result.boxes.defined()) {
    // What a model says of padding is no part of the mask, nor of its box.
    const Tensor padding = image_padding.to(torch::kCPU).unsqueeze(1);
    const Tensor inside =
        result.mask_logits.masked_fill(padding, -std::numeric_limits<double>::infinity());
    result.boxes = boxes_around_masks(inside, config_.model.heads.mask.value().threshold);
  }
  return result;
}

std::optional<formats::Rle> Predictor::mask_of(const Output& output, std::int64_t index,
                                               const data::Sample& sample) const {
  if (!output.mask_logits.defined()) return std::nullopt;
  REFERENT_CHECK(has_mask_head(), "a mask of a model that is configured without mask head");
  return mask_to_original(output.mask_logits[index][0], sample,
                          config_.model.heads.mask.value().threshold);
}

}  // namespace referent::inference
