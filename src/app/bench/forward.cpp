// SPDX-License-Identifier: Apache-2.0
#include <c10/core/InferenceMode.h>

#include "model_run.h"
#include "referent/inference/build.h"
#include "subjects.h"
#include "synthetic_batch.h"

namespace referent::app::bench {

std::vector<Row> bench_forward(const BenchOptions& options, torch::Device device) {
  const engine::RunConfig config = model_run(options);
  torch::manual_seed(0);
  const auto model = inference::build_model(config);
  model->to(device);
  model->eval();
  const Batch batch = make_batch(config, options.batch_size).to(device);
  const Contender ours{"model", [&] {
                         const c10::InferenceMode inference;
                         return outputs_of(model->forward(batch));
                       }};
  return {measure({row_name(options, config, "forward"), ours}, options.rounds, device)};
}

}  // namespace referent::app::bench
