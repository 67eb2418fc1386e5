// SPDX-License-Identifier: Apache-2.0
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include "model_run.h"
#include "referent/inference/build.h"
#include "referent/training/optimizer.h"
#include "subjects.h"

namespace referent::app::bench {
namespace {

using torch::Tensor;

/// Of the same values for each call.
std::shared_ptr<models::Model> seeded_model(const engine::RunConfig& config, torch::Device device) {
  torch::manual_seed(0);
  auto model = inference::build_model(config);
  model->to(device);
  return model;
}

/// Parameters that an optimizer trains, each with a gradient.
std::vector<Tensor> with_gradients(const training::AdamW& trained) {
  std::vector<Tensor> parameters;
  for (const auto& [name, parameter] : trained.parameters()) {
    Tensor(parameter).mutable_grad() = torch::full_like(parameter, 1e-3);
    parameters.push_back(parameter);
  }
  return parameters;
}

}  // namespace

std::vector<Row> bench_optimizer(const BenchOptions& options, torch::Device device) {
  const engine::RunConfig config = model_run(options);
  const training::OptimizerConfig& settings = config.train.optimizer;

  const auto model = seeded_model(config, device);
  training::AdamW ours(settings, *model);
  std::vector<Tensor> parameters = with_gradients(ours);

  const auto other_model = seeded_model(config, device);
  std::vector<Tensor> other_parameters = with_gradients(training::AdamW(settings, *other_model));
  torch::optim::AdamW rival(other_parameters, torch::optim::AdamWOptions(settings.learning_rate)
                                                  .betas({settings.beta1, settings.beta2})
                                                  .eps(settings.epsilon)
                                                  .weight_decay(settings.weight_decay));

  std::int64_t count = 0;
  for (const training::AdamW::Group& group : ours.groups()) count += group.count;
  // The norm reads gradients; the step reads them, parameters and two moments and writes all but
  // the gradients, in float32.
  constexpr double kBytes = 4 * (1 + 4 + 3);
  const double gigabytes = 1e-9 * kBytes * static_cast<double>(count);
  const double rate = copy_rate(device);
  Work work{fmt::format("{} AdamW and clipping, {:.1f} M parameters", options.preset,
                        1e-6 * static_cast<double>(count)),
            {"fused",
             [&] {
               ours.step(/*factor=*/1.0, ours.gradient_norm());
               return parameters;
             }},
            Contender{"torch::optim", [&] {
                        torch::nn::utils::clip_grad_norm_(other_parameters, settings.clip_norm);
                        rival.step();
                        return other_parameters;
                      }}};
  work.floor =
      Floor{1e3 * gigabytes / rate, fmt::format("{:.2f} GB / {:.0f} GB/s", gigabytes, rate)};
  return {measure(work, options.rounds, device)};
}

}  // namespace referent::app::bench
