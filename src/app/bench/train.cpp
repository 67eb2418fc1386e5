// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <optional>

#include "model_run.h"
#include "referent/batch/cuda_recording.h"
#include "referent/batch/profile.h"
#include "referent/core/error.h"
#include "referent/inference/build.h"
#include "referent/losses/grounding_losses.h"
#include "referent/training/optimizer.h"
#include "referent/training/step.h"
#include "subjects.h"
#include "synthetic_batch.h"

namespace referent::app::bench {
namespace {

/// A fresh network with frozen batch norm doubles the variance of its features with every block,
/// until attention over them is decided by rounding and gradients in 16 bits mean nothing. In a
/// trained one blocks add little to their input: their last norm is made so.
void calm(torch::nn::Module& model) {
  constexpr double kShare = 0.1;
  for (auto& buffer : model.named_buffers()) {
    if (buffer.key().ends_with("bn3.weight")) buffer.value().fill_(kShare);
  }
}

}  // namespace

std::vector<Row> bench_train(const BenchOptions& options, torch::Device device) {
  const engine::RunConfig config = model_run(options);
  torch::manual_seed(0);
  const auto model = inference::build_model(config);
  calm(*model);
  model->to(device);
  model->train();
  const Batch batch = make_batch(config, options.batch_size).to(device);
  training::AdamW optimizer(config.train.optimizer, *model);
  const auto step = [&](const training::ForwardOptions& how) -> std::vector<torch::Tensor> {
    const std::vector<training::Piece> pieces{{batch}};
    const training::StepResult result =
        training::step(*model, optimizer, pieces, losses::BatchCounts::of(batch), /*factor=*/1.0,
                       /*loss_scale=*/1.0, {device, config.train.loss, how, {}});
    for (const auto& [name, value] : result.values) {
      REFERENT_CHECK(std::isfinite(value), "{} is {} in a step that is timed", name, value);
    }
    return {};
  };
  const torch::ScalarType type = type_of(options, device);
  std::optional<training::RecordedPasses> recorded;
  if (CudaRecording::possible(device)) recorded.emplace(*model);
  const training::ForwardOptions plain{type};
  const training::ForwardOptions usual{type, false, recorded ? &*recorded : nullptr};
  const std::string name = row_name(options, config, "train step") + " " + options.dtype;
  std::vector<Row> rows;
  Work work{name, {"recorded", [&] { return step(usual); }}};
  if (recorded) work.rival = Contender{"kernel by kernel", [&] { return step(plain); }};
  rows.push_back(measure(work, options.rounds, device));
  if (options.profile) profile(device, *options.profile, [&] { step(usual); });
  recorded.reset();
  rows.push_back(measure({name + ", activations computed again",
                          {"model",
                           [&] {
                             return step({type, /*forget_activations=*/true});
                           }}},
                         options.rounds, device));
  return rows;
}

}  // namespace referent::app::bench
