// SPDX-License-Identifier: Apache-2.0
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>

#include "referent/app/commands.h"
#include "referent/engine/config.h"
#include "referent/inference/build.h"
#include "referent/losses/grounding_losses.h"
#include "referent/training/optimizer.h"

namespace referent::app {
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

/// Milliseconds of `rounds` calls after one that warms up.
std::vector<double> time_rounds(std::int64_t rounds, const std::function<void()>& work) {
  work();
  std::vector<double> milliseconds;
  for (std::int64_t i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> spent =
        std::chrono::steady_clock::now() - start;
    milliseconds.push_back(spent.count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  return milliseconds;
}

std::vector<double> time_forward(models::Model& model, const Batch& batch, std::int64_t rounds) {
  model.eval();
  const c10::InferenceMode inference;
  return time_rounds(rounds, [&] { model.forward(batch); });
}

std::vector<double> time_train(models::Model& model, const Batch& batch, std::int64_t rounds,
                               const engine::RunConfig& config) {
  model.train();
  training::AdamW optimizer(config.train.optimizer, model);
  return time_rounds(rounds, [&] {
    optimizer.zero_gradients();
    const Losses losses = losses::grounding_losses(config.train.loss, model.forward(batch), batch);
    losses.total.backward();
    optimizer.clip_gradients();
    optimizer.step(1.0);
  });
}

nlohmann::ordered_json machine_of(const std::string& device) {
  return {{"device", device},
          {"threads", at::get_num_threads()},
          {"cpu_capability", at::get_cpu_capability()},
          {"torch", TORCH_VERSION}};
}

}  // namespace

int run_bench(const BenchOptions& options, const CommonOptions& common) {
  nlohmann::json description{
      {"model", {{"preset", options.preset}}},
      {"train", {{"optimizer", {{"learning_rate", 1e-5}, {"clip_norm", 0.1}}}}}};
  if (options.image_size) description["data"]["image"]["size"] = *options.image_size;
  const engine::RunConfig config = engine::parse_run_config(description.dump(), "bench");
  torch::manual_seed(0);
  const torch::Device device = inference::parse_device(common.device);
  const auto model = inference::build_model(config);
  model->to(device);
  const Batch batch = make_batch(config, options.batch_size).to(device);
  const bool forward = options.what == BenchWhat::kForward;
  const std::vector<double> times = forward ? time_forward(*model, batch, options.rounds)
                                            : time_train(*model, batch, options.rounds, config);

  const std::string name =
      fmt::format("{} {} batch {} {} px", options.preset, forward ? "forward" : "train step",
                  options.batch_size, config.data.image.size);
  const double median = times[times.size() / 2];
  if (common.json) {
    const nlohmann::ordered_json document{{"schema_version", 1},
                                          {"machine", machine_of(common.device)},
                                          {"rows",
                                           {{{"name", name},
                                             {"median_ms", median},
                                             {"min_ms", times.front()},
                                             {"max_ms", times.back()},
                                             {"rounds", options.rounds},
                                             {"rival", nullptr},
                                             {"rival_median_ms", nullptr},
                                             {"ratio", nullptr},
                                             {"max_difference", nullptr}}}}};
    fmt::print("{}\n", document.dump(1));
  } else {
    fmt::print("{:<44} median {:8.1f} ms  min {:8.1f}  max {:8.1f}  ({} rounds, {} threads)\n",
               name, median, times.front(), times.back(), options.rounds, at::get_num_threads());
  }
  return 0;
}

}  // namespace referent::app
