// SPDX-License-Identifier: Apache-2.0
#include "model_run.h"
#include "profile.h"
#include "referent/inference/build.h"
#include "referent/losses/grounding_losses.h"
#include "referent/training/forward.h"
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
  const auto step = [&](const training::ForwardOptions& how) -> std::vector<torch::Tensor> {
    optimizer.zero_gradients();
    const Losses losses =
        losses::grounding_losses(config.train.loss, training::forward(*model, batch, how), batch);
    losses.total.backward();
    optimizer.step(1.0, optimizer.gradient_norm());
    return {losses.total.detach()};
  };
  const torch::ScalarType type = type_of(options, device);
  std::vector<Row> rows;
  for (const bool forget : {false, true}) {
    const std::string name = row_name(options, config, "train step") + " " + options.dtype +
                             (forget ? ", activations computed again" : "");
    rows.push_back(measure({name,
                            {"model",
                             [&] {
                               return step({type, forget});
                             }}},
                           options.rounds, device));
    if (options.profile && !forget) {
      profile(device, *options.profile, [&] { step({type, forget}); });
    }
  }
  return rows;
}

}  // namespace referent::app::bench
