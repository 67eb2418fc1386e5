// SPDX-License-Identifier: Apache-2.0
#include "model_run.h"
#include "referent/inference/build.h"
#include "referent/losses/grounding_losses.h"
#include "referent/training/optimizer.h"
#include "subjects.h"
#include "synthetic_batch.h"

namespace referent::app::bench {

std::vector<Row> bench_train(const BenchOptions& options, torch::Device device) {
  const engine::RunConfig config = model_run(options);
  torch::manual_seed(0);
  const auto model = inference::build_model(config);
  model->to(device);
  model->train();
  const Batch batch = make_batch(config, options.batch_size).to(device);
  training::AdamW optimizer(config.train.optimizer, *model);
  const Contender ours{"model", [&]() -> std::vector<torch::Tensor> {
                         optimizer.zero_gradients();
                         const Losses losses = losses::grounding_losses(
                             config.train.loss, model->forward(batch), batch);
                         losses.total.backward();
                         optimizer.clip_gradients();
                         optimizer.step(1.0);
                         return {losses.total.detach()};
                       }};
  return {measure({row_name(options, config, "train step"), ours}, options.rounds, device)};
}

}  // namespace referent::app::bench
