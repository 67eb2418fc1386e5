// SPDX-License-Identifier: Apache-2.0
#include <c10/core/InferenceMode.h>

#include <functional>

#include "model_run.h"
#include "referent/batch/profile.h"
#include "referent/inference/build.h"
#include "referent/inference/flop_count.h"
#include "referent/inference/plan.h"
#include "subjects.h"
#include "synthetic_batch.h"

namespace referent::app::bench {
namespace {

constexpr std::int64_t kMoreExpressions = 10;
constexpr double kFloatTolerance = 1e-4;
constexpr double kLowTolerance = 1e-2;
constexpr double kLowMaskTolerance = 3e-2;  ///< logits: the rounding of every layer adds up in them

/// GFLOP of what a plan does in `work`.
double gflop_of(const std::function<void()>& work) {
  const inference::FlopCount count;
  work();
  return 1e-9 * static_cast<double>(count.total());
}

/// Of plain sums: what Winograd's convolutions save stays counted, so that figures compare.
Floor floor_of(double gflop, double gflops) {
  return {1e3 * gflop / gflops, fmt::format("{:.1f} GFLOP / {:.0f} GFLOP/s", gflop, gflops)};
}

}  // namespace

std::vector<Row> bench_forward(const BenchOptions& options, torch::Device device) {
  const engine::RunConfig config = model_run(options);
  torch::manual_seed(0);
  const auto model = inference::build_model(config);
  model->eval();
  const torch::ScalarType dtype = type_of(options, device);
  const inference::Plan plan(config.model, inference::input_shape(config), *model,
                             {.device = device, .dtype = dtype, .expressions = 0});
  model->to(device);
  const Batch batch = make_batch(config, options.batch_size).to(device);
  const double gflops = peak_gflops(dtype, device);

  const auto run_plan = [&] { return outputs_of(plan.forward(batch)); };
  Work whole{row_name(options, config, "forward"),
             {"plan", run_plan},
             Contender{"model", [&] {
                         const c10::InferenceMode inference;
                         return outputs_of(model->forward(batch));
                       }}};
  whole.tolerance = dtype == torch::kFloat32  ? kFloatTolerance
                    : config.model.heads.mask ? kLowMaskTolerance
                                              : kLowTolerance;
  const double gflop = gflop_of(run_plan);
  whole.floor = floor_of(gflop, gflops);

  // More expressions about a picture that was seen before, read together and asked one by one, as
  // the predictor does it.
  const auto seen = plan.see(batch.images.narrow(0, 0, 1), batch.image_padding.narrow(0, 0, 1));
  const auto repeated = [](const torch::Tensor& rows) {
    return rows.narrow(0, 0, 1).repeat({kMoreExpressions, 1});
  };
  const torch::Tensor tokens = repeated(batch.tokens);
  const torch::Tensor token_padding = repeated(batch.token_padding);
  const auto ask_again = [&] {
    const TextFeatures read = plan.read(tokens, token_padding);
    std::vector<torch::Tensor> outputs;
    for (std::int64_t i = 0; i < kMoreExpressions; ++i) {
      outputs =
          outputs_of(plan.ground(*seen, inference::Plan::part_of(read, i, 1), /*again=*/true));
    }
    return outputs;
  };
  const double gflop_again = gflop_of(ask_again) / static_cast<double>(kMoreExpressions);
  Work again{fmt::format("{}: each of {} more expressions ({:.0f} % of the work)",
                         row_name(options, config, "forward"), kMoreExpressions,
                         100 * gflop_again * static_cast<double>(options.batch_size) / gflop),
             {"plan", ask_again}};
  again.floor = floor_of(gflop_again, gflops);
  again.parts = kMoreExpressions;
  std::vector<Row> rows{measure(whole, options.rounds, device),
                        measure(again, options.rounds, device)};
  if (options.profile) profile(device, *options.profile, [&] { run_plan(); });
  return rows;
}

}  // namespace referent::app::bench
