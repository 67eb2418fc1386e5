// SPDX-License-Identifier: Apache-2.0
#include "referent/models/state.h"
#include "referent/training/step.h"
#include "support/tiny_run.h"
#include "worker.h"

namespace referent::testing {
namespace {

using torch::Tensor;

constexpr std::int64_t kSamples = 12;
constexpr int kSteps = 20;

Batch make_batch(int step, torch::ScalarType type) {
  torch::manual_seed(100 + step);
  Batch batch;
  batch.images = torch::randn({kSamples, 3, 64, 64}, torch::kFloat64).to(type);
  batch.image_padding = torch::zeros({kSamples, 64, 64}, torch::kBool);
  batch.tokens = torch::randint(1000, 20000, {kSamples, 16}, torch::kInt64);
  batch.token_padding = torch::zeros({kSamples, 16}, torch::kBool);
  batch.boxes = (torch::rand({kSamples, 4}, torch::kFloat64) * 0.4 + 0.3).to(type);
  return batch;
}

void write(const Path& path, const std::vector<Tensor>& tensors) {
  std::vector<Tensor> flat;
  for (const Tensor& tensor : tensors)
    flat.push_back(tensor.detach().to(torch::kFloat64).flatten());
  const Tensor all = torch::cat(flat).contiguous();
  write_file(path, {static_cast<const char*>(all.const_data_ptr()), all.nbytes()});
}

std::vector<Tensor> gradients_of(const training::AdamW& optimizer) {
  std::vector<Tensor> gradients;
  for (const auto& [name, parameter] : optimizer.parameters()) {
    gradients.push_back(parameter.grad().defined() ? parameter.grad()
                                                   : torch::zeros_like(parameter));
  }
  return gradients;
}

}  // namespace

void train(distributed::ProcessGroup& group, const Arguments& arguments) {
  const Path folder = arguments.at(0);
  const torch::ScalarType type = arguments.at(1) == "float64" ? torch::kFloat64 : torch::kFloat32;
  const std::int64_t pieces = std::stoi(arguments.at(2));
  engine::RunConfig config = tiny_config(folder);
  config.model.text_encoder.dropout = 0;
  config.model.visual_encoder.transformer.dropout = 0;
  config.model.decoder.transformer.dropout = 0;
  torch::manual_seed(7);
  const auto model = models::make_model(config.model, {64, 16});
  model->to(type);
  model->train();
  training::OptimizerConfig how;
  how.learning_rate = 1e-4;
  how.clip_norm = 0.5;
  training::AdamW optimizer(how, *model);
  distributed::GradientReducer reducer(group, optimizer.parameters(), {.bucket_megabytes = 0.5});
  const std::int64_t first = kSamples * group.rank() / group.size();
  const std::int64_t count = kSamples / group.size();
  for (int number = 0; number < kSteps; ++number) {
    const Batch batch = make_batch(number, type);
    std::vector<training::Piece> mine;
    for (std::int64_t i = 0; i < pieces; ++i) {
      mine.push_back({batch.part(first + count * i / pieces, first + count * (i + 1) / pieces)});
    }
    training::step(
        *model, optimizer, mine, losses::BatchCounts::of(batch), 1, 1,
        {.device = torch::kCPU, .loss = {}, .forward = {}, .exchange = {&group, &reducer}});
    if (number == 0) {
      write(folder / fmt::format("gradients-{}", group.rank()), gradients_of(optimizer));
    }
  }
  std::vector<Tensor> weights;
  for (const auto& [name, parameter] : optimizer.parameters()) weights.push_back(parameter);
  write(folder / fmt::format("weights-{}", group.rank()), weights);
}

}  // namespace referent::testing
