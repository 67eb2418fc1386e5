// SPDX-License-Identifier: Apache-2.0
#include "referent/models/state.h"
#include "referent/training/step.h"
#include "support/tiny_run.h"
#include "worker.h"

namespace referent::testing {
namespace {

using torch::Tensor;

struct Training {
  models::ModelConfig model;
  models::InputShape input;
  torch::ScalarType type;
  std::int64_t samples, pieces;
  int steps;
};

Batch make_batch(int step, const Training& training) {
  const std::int64_t count = training.samples, size = training.input.image_size;
  torch::manual_seed(100 + step);
  Batch batch;
  batch.images = torch::randn({count, 3, size, size}, torch::kFloat64).to(training.type);
  batch.image_padding = torch::zeros({count, size, size}, torch::kBool);
  batch.tokens = torch::randint(1000, 20000, {count, training.input.text_tokens}, torch::kInt64);
  batch.token_padding = torch::zeros({count, training.input.text_tokens}, torch::kBool);
  batch.boxes = (torch::rand({count, 4}, torch::kFloat64) * 0.4 + 0.3).to(training.type);
  return batch;
}

/// The elements of all, one after the other, in their own type.
void write(const Path& path, const std::vector<Tensor>& tensors) {
  AtomicFile file(path);
  for (const Tensor& tensor : tensors) {
    const Tensor whole = tensor.detach().contiguous();
    file.write({static_cast<const char*>(whole.const_data_ptr()), whole.nbytes()});
  }
  file.commit();
}

std::vector<Tensor> gradients_of(const training::AdamW& optimizer) {
  std::vector<Tensor> gradients;
  for (const auto& [name, parameter] : optimizer.parameters()) {
    gradients.push_back(parameter.grad().defined() ? parameter.grad()
                                                   : torch::zeros_like(parameter));
  }
  return gradients;
}

void without_dropout(models::ModelConfig& model) {
  model.text_encoder.dropout = 0;
  model.visual_encoder.transformer.dropout = 0;
  model.decoder.transformer.dropout = 0;
}

/// In a fresh bottleneck network with frozen batch norm the variance of features doubles with every
/// block, until rounding decides what attention over them attends to. In a trained one blocks add
/// little to their input: their last norm is made so.
void calm(models::Model& model) {
  for (auto& buffer : model.named_buffers()) {
    if (buffer.key().ends_with("bn3.weight")) buffer.value().fill_(0.1);
  }
}

/// Leaves the gradients of the first step and the weights after the last in `folder`.
void run(distributed::ProcessGroup& group, const Training& training, const Path& folder) {
  torch::manual_seed(7);
  const auto model = models::make_model(training.model, training.input);
  calm(*model);
  model->to(training.type);
  model->train();
  training::OptimizerConfig how;
  how.learning_rate = 1e-4;
  how.clip_norm = 0.5;
  training::AdamW optimizer(how, *model);
  distributed::GradientReducer reducer(group, optimizer.parameters(), {.bucket_megabytes = 0.5});
  const std::int64_t first = training.samples * group.rank() / group.size();
  const std::int64_t count = training.samples / group.size();
  for (int number = 0; number < training.steps; ++number) {
    const Batch batch = make_batch(number, training);
    std::vector<training::Piece> mine;
    for (std::int64_t i = 0; i < training.pieces; ++i) {
      mine.push_back({batch.part(first + count * i / training.pieces,
                                 first + count * (i + 1) / training.pieces)});
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

}  // namespace

void train(distributed::ProcessGroup& group, const Arguments& arguments) {
  const Path folder = arguments.at(0);
  const torch::ScalarType type = arguments.at(1) == "float64" ? torch::kFloat64 : torch::kFloat32;
  models::ModelConfig model = tiny_config(folder).model;
  without_dropout(model);
  run(group, {model, {64, 16}, type, 12, std::stoi(arguments.at(2)), 20}, folder);
}

void train_full_size(distributed::ProcessGroup& group, const Arguments& arguments) {
  models::ModelConfig model =
      engine::parse_run_config(R"({"model": {"preset": "mmca-r50"}})", "the full size").model;
  without_dropout(model);
  // One process computes the two samples one after the other: another batch rounds otherwise.
  constexpr std::int64_t kSamples = 2;
  run(group, {model, {640, 20}, torch::kFloat32, kSamples, kSamples / group.size(), 2},
      arguments.at(0));
}

}  // namespace referent::testing
