// SPDX-License-Identifier: Apache-2.0
#include "golden.h"
#include "referent/batch/probe.h"
#include "referent/losses/grounding_losses.h"
#include "referent/training/optimizer.h"

namespace referent::app {
namespace {

using nlohmann::json;
using torch::Tensor;

using Parameters = std::map<std::string, Tensor>;

/// The released optimiser at the raised rates that the case's notes name.
training::OptimizerConfig optimizer_config() {
  training::OptimizerConfig config;
  config.groups = {{"visual_encoder", {"visual_encoder.*"}, 1e-3},
                   {"text_encoder", {"text_encoder.*"}, 2e-3}};
  config.learning_rate = 1e-2;
  config.weight_decay = 0.1;
  config.epsilon = 1e-6;
  config.bias_correction = false;
  config.clip_norm = 0.15;
  return config;
}

/// Which elements of a parameter have a gradient that is not zero in exact arithmetic: a bias of
/// keys shifts every score of a query alike. Where there is only float32 noise it decides the
/// direction of the step, which is not compared.
Tensor has_gradient(const std::string& name, const Tensor& values) {
  Tensor kept = torch::ones_like(values, torch::kBool);
  if (name.ends_with("attention.self.key.bias") || name == "ada_gap.k_proj.bias") {
    kept.fill_(false);
  } else if (name.ends_with(".attn.qkv.bias")) {
    kept.chunk(3, 0)[1].fill_(false);
  }
  return kept;
}

void compare_losses(const GoldenCase& golden, const Losses& losses, CaseReport& report) {
  for (const json& entry : golden.json().at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    if (!name.starts_with("loss.")) continue;
    Tensor value = losses.total;
    for (const auto& [part, loss] : losses.parts) {
      if (name == "loss." + (part == "box" ? "l1" : part)) value = loss;
    }
    golden.compare_output(report, entry, value.reshape({1}), vg_law_tolerance(golden, name));
  }
}

void compare_gradients(const GoldenCase& golden, const Parameters& parameters, CaseReport& report) {
  constexpr std::string_view kPrefix = "grad.";
  for (const json& entry : golden.json().at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    if (!name.starts_with(kPrefix)) continue;
    const auto found = parameters.find(name.substr(kPrefix.size()));
    if (found == parameters.end()) {
      report.check(name, false, "the model has no parameter of this name");
    } else {
      golden.compare_output(report, entry, found->second.grad(), vg_law_tolerance(golden, name));
    }
  }
}

/// The golden's `step` entries: a thousand times what one step changed.
void compare_steps(const GoldenCase& golden, const Parameters& before, const Parameters& after,
                   CaseReport& report) {
  constexpr std::string_view kPrefix = "step.";
  for (const json& entry : golden.json().at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    if (!name.starts_with(kPrefix)) continue;
    const std::string parameter = name.substr(kPrefix.size());
    const auto found = after.find(parameter);
    if (found == after.end()) {
      report.check(name, false, "the model has no parameter of this name");
      continue;
    }
    const auto stored = [&](const Tensor& values) {
      return values.flatten().slice(0, 0, std::nullopt, entry.at("stride").get<std::int64_t>());
    };
    const Tensor kept = stored(has_gradient(parameter, found->second));
    const Tensor step = stored((found->second.detach() - before.at(parameter)) * 1e3);
    if (!kept.any().item<bool>()) continue;
    report.compare(name, step.masked_select(kept), golden.tensor("out." + name).masked_select(kept),
                   vg_law_tolerance(golden, name), entry.at("max_abs").get<double>());
  }
}

}  // namespace

void run_vg_law_train(const GoldenCase& golden, CaseReport& report) {
  const auto model = make_vg_law_model(golden, report);
  const Batch batch = make_vg_law_batch(golden);
  model->train();
  compare_zero_generator(golden, *model, batch, report);

  Losses losses;
  {
    const ProbeRecorder recorder;
    losses = losses::grounding_losses({}, model->forward(batch), batch);
    for (const json& entry : golden.json().at("outputs")) {
      const auto name = entry.at("name").get<std::string>();
      const Tensor value = vg_law_stage(recorder.tensors(), name);
      if (value.defined()) {
        golden.compare_output(report, entry, value, vg_law_tolerance(golden, name));
      }
    }
  }
  compare_losses(golden, losses, report);

  training::AdamW optimizer(optimizer_config(), *model);
  losses.total.backward();
  const Parameters parameters = released_parameters(*model, "vg_law");
  Parameters before;
  for (const auto& [name, parameter] : parameters) {
    // The released framework gives a parameter that nothing reads a gradient of zero, and decays
    // it.
    if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
    before.emplace(name, parameter.detach().clone());
  }
  compare_gradients(golden, parameters, report);
  const Tensor norm = optimizer.gradient_norm();
  for (const json& entry : golden.json().at("outputs")) {
    if (entry.at("name") != "grad_norm") continue;
    golden.compare_output(report, entry, norm.unsqueeze(0), vg_law_tolerance(golden, "grad."));
  }
  optimizer.step(1.0, norm);
  compare_steps(golden, before, parameters, report);
}

}  // namespace referent::app
