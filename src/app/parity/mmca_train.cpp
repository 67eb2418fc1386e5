// SPDX-License-Identifier: Apache-2.0
#include "golden.h"
#include "referent/losses/grounding_losses.h"
#include "referent/training/optimizer.h"

namespace referent::app {
namespace {

using nlohmann::json;
using torch::Tensor;

/// The released four groups in our names.
training::OptimizerConfig optimizer_config(const json& optimizer) {
  training::OptimizerConfig config;
  config.beta1 = optimizer.at("betas").at(0);
  config.beta2 = optimizer.at("betas").at(1);
  config.epsilon = optimizer.at("eps");
  config.weight_decay = optimizer.at("weight_decay");
  config.clip_norm = optimizer.at("clip_max_norm");
  for (const json& group : optimizer.at("groups")) {
    const auto name = group.at("name").get<std::string>();
    const double rate = group.at("lr");
    if (name == "rest") config.learning_rate = rate;
    if (name == "visual_cnn") {
      config.groups.push_back(
          {name, {"visual_encoder.backbone.*", "conditioning.backbone.*"}, rate});
    }
    if (name == "visual_transformer") {
      config.groups.push_back({name, {"visual_encoder.*", "conditioning.*"}, rate});
    }
    if (name == "text") config.groups.push_back({name, {"text_encoder.bert.*"}, rate});
  }
  return config;
}

/// A model, its optimiser and the batch of a case.
class Trainer {
 public:
  Trainer(const GoldenCase& golden, CaseReport& report, const training::OptimizerConfig& config,
          torch::ScalarType type)
      : model_(in_type(make_mmca_model(golden, report), type)),
        optimizer_(config, *model_),
        batch_(make_mmca_batch(golden)) {
    model_->train();
    batch_.images = batch_.images.to(type);
  }

  struct Step {
    Losses losses;
    Tensor boxes;
    double gradient_norm;
  };
  /// Forward and backward; `see` gets the gradients as they came.
  Step backward(const std::function<void()>& see = {}) {
    optimizer_.zero_gradients();
    const Output output = model_->forward(batch_);
    Losses losses = losses::grounding_losses({}, output, batch_);
    losses.total.backward();
    if (see) see();
    norm_ = optimizer_.gradient_norm();
    return {std::move(losses), output.boxes.squeeze(1), norm_.item<double>()};
  }
  void step() { optimizer_.step(1.0, norm_); }

  models::Model& model() { return *model_; }
  const training::AdamW& optimizer() const { return optimizer_; }

 private:
  static std::shared_ptr<models::Model> in_type(std::shared_ptr<models::Model> model,
                                                torch::ScalarType type) {
    model->to(type);
    return model;
  }

  std::shared_ptr<models::Model> model_;
  training::AdamW optimizer_;
  Batch batch_;
  Tensor norm_;  ///< of the gradients
};

constexpr std::string_view kGradient = "grad.";

void compare_gradients(const GoldenCase& golden, const std::map<std::string, Tensor>& parameters,
                       CaseReport& report) {
  const json& doc = golden.json();
  double largest = 0;
  for (const json& entry : doc.at("outputs")) {
    if (entry.at("name").get<std::string>().starts_with(kGradient)) {
      largest = std::max(largest, entry.at("max_abs").get<double>());
    }
  }
  for (const json& entry : doc.at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    if (!name.starts_with(kGradient)) continue;
    const auto found = parameters.find(name.substr(kGradient.size()));
    if (found == parameters.end() || !found->second.grad().defined()) {
      report.check(name, false, "the model has no gradient of this name");
    } else if (entry.value("noise", false)) {
      const double magnitude = found->second.grad().abs().max().item<double>();
      report.check(name, magnitude <= 1e-4 * largest,
                   fmt::format("zero in exact arithmetic, got {:.3g}", magnitude));
    } else {
      golden.compare_output(report, entry, found->second.grad(),
                            {doc.at("tolerance").at("grad").at("abs"), entry.at("rel")});
    }
  }
}

void compare_step(const json& expected, const json& tolerance, const Trainer::Step& step,
                  CaseReport& report, std::string_view how = "") {
  const auto number = expected.at("step").get<int>();
  const Tolerance allowed =
      tolerance_of(tolerance.at(number == 0 ? "losses_step0" : "losses_later"));
  const auto name = [&](const char* leaf) { return fmt::format("step{}.{}{}", number, leaf, how); };
  report.compare(name("loss_bbox"), step.losses.parts[0].second.item<double>(),
                 expected.at("loss_bbox"), allowed);
  report.compare(name("loss_giou"), step.losses.parts[1].second.item<double>(),
                 expected.at("loss_giou"), allowed);
  report.compare(name("total"), step.losses.total.item<double>(), expected.at("total"), allowed);
  // The norm adds up float32 noise of every gradient: it gets the gradients' own tolerance.
  if (expected.contains("grad_norm")) {
    report.compare(name("grad_norm"), step.gradient_norm, expected.at("grad_norm"),
                   {0, std::max(allowed.relative, 1e-4)});
  }
  std::vector<Tensor> rows;
  for (const json& row : expected.at("box")) {
    rows.push_back(torch::tensor(row.get<std::vector<float>>()));
  }
  report.compare(name("box"), step.boxes, torch::stack(rows), allowed);
}

/// The golden's `after<n>` entries: the norm of every parameter after n steps.
void compare_norms(const GoldenCase& golden, int steps,
                   const std::map<std::string, Tensor>& parameters, CaseReport& report) {
  const std::string prefix = fmt::format("after{}.", steps);
  for (const json& entry : golden.json().at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    if (!name.starts_with(prefix)) continue;
    const auto found = parameters.find(name.substr(prefix.size()));
    if (found == parameters.end()) {
      report.check(name, false, "the model has no parameter of this name");
      continue;
    }
    report.compare(name + " l2", found->second.to(torch::kFloat64).norm().item<double>(),
                   entry.at("l2"), tolerance_of(golden.json().at("tolerance").at("after_l2")));
  }
}

using Gradients = std::map<std::string, Tensor>;

/// The released recipe: losses, gradients, five steps. In double: float32 sums, which no two
/// machines round alike, turn some ten of the 154 million ReLUs of a pass, and each moves single
/// elements by more than what the golden allows. Returns the first gradients.
Gradients run_recipe(const GoldenCase& golden, CaseReport& report) {
  const json& doc = golden.json();
  const json& training = doc.at("training");
  const auto family = doc.at("model").get<std::string>();
  Trainer trainer(golden, report, optimizer_config(training.at("optimizer")), torch::kFloat64);
  const auto parameters = released_parameters(trainer.model(), family);

  for (const auto& group : trainer.optimizer().groups()) {
    for (const json& expected : training.at("optimizer").at("groups")) {
      if (expected.at("name") != group.name) continue;
      report.check(
          "group " + group.name,
          group.parameters.size() == expected.at("parameters").get<std::size_t>(),
          fmt::format("expected {} parameters, got {}",
                      expected.at("parameters").get<std::size_t>(), group.parameters.size()));
    }
  }
  for (const json& name : training.at("frozen")) {
    const auto found = parameters.find(name.get<std::string>());
    report.check("frozen " + name.get<std::string>(),
                 found != parameters.end() && !found->second.requires_grad(), "it would learn");
  }
  Gradients gradients;
  for (const json& expected : training.at("steps")) {
    const bool first = expected.at("step").get<int>() == 0;
    const Trainer::Step step = trainer.backward([&] {
      if (!first) return;
      compare_gradients(golden, parameters, report);
      for (const auto& [name, parameter] : parameters) {
        if (parameter.grad().defined()) gradients.emplace(name, parameter.grad().clone());
      }
    });
    compare_step(expected, doc.at("tolerance"), step, report);
    trainer.step();
    compare_norms(golden, expected.at("step").get<int>() + 1, parameters, report);
  }
  return gradients;
}

/// The first step as users run it, in float32: losses and boxes against the golden, each gradient
/// as a whole against that in double. Turned ReLUs were seen to move one by 6e-4 of its norm.
void run_in_float32(const GoldenCase& golden, const Gradients& exact, CaseReport& report) {
  constexpr double kTurnedRelus = 5e-3;
  constexpr std::string_view kInFloat32 = " in float32";
  const json& doc = golden.json();
  const json& training = doc.at("training");
  Trainer trainer(golden, report, optimizer_config(training.at("optimizer")), torch::kFloat32);
  const auto parameters = released_parameters(trainer.model(), doc.at("model").get<std::string>());
  compare_step(training.at("steps").at(0), doc.at("tolerance"), trainer.backward(), report,
               kInFloat32);
  for (const json& entry : doc.at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    if (!name.starts_with(kGradient) || entry.value("noise", false)) continue;
    const auto found = parameters.find(name.substr(kGradient.size()));
    const auto expected = exact.find(name.substr(kGradient.size()));
    if (found == parameters.end() || expected == exact.end()) continue;  // said in double
    if (!found->second.grad().defined()) {
      report.check(fmt::format("{}{}", name, kInFloat32), false, "the model has no such gradient");
      continue;
    }
    const Tensor difference = found->second.grad().to(torch::kFloat64) - expected->second;
    const double relative = (difference.norm() / expected->second.norm()).item<double>();
    report.check(fmt::format("{}{}", name, kInFloat32), relative <= kTurnedRelus,
                 fmt::format("differs from float64 by {:.3g} of its norm, allowed {}", relative,
                             kTurnedRelus));
  }
}

/// Few steps at many times the released rate: decay, bias correction and groups show. In double,
/// since the golden is the float64 reference's: at these rates the noise of float32 grows to the
/// size of a step within three of them.
void run_large_steps(const GoldenCase& golden, CaseReport& report) {
  const json& doc = golden.json();
  const json& rule = doc.at("step");
  training::OptimizerConfig config = optimizer_config(doc.at("training").at("optimizer"));
  constexpr double kRateFactor = 30;  // "the released rates x 30"
  config.learning_rate *= kRateFactor;
  for (auto& group : config.groups) group.learning_rate *= kRateFactor;
  config.weight_decay = rule.at("weight_decay");
  config.clip_norm = rule.at("clip_max_norm");

  Trainer trainer(golden, report, config, torch::kFloat64);
  const auto parameters = released_parameters(trainer.model(), doc.at("model").get<std::string>());
  std::map<std::string, Tensor> before;
  for (const auto& [name, parameter] : parameters) before.emplace(name, parameter.detach().clone());
  for (int i = 0; i < rule.at("steps").get<int>(); ++i) {
    trainer.backward();
    trainer.step();
  }
  for (const json& entry : doc.at("step_entries")) {
    const auto name = entry.at("name").get<std::string>();
    const auto found = parameters.find(name);
    if (found == parameters.end()) {
      report.check("delta." + name, false, "the model has no parameter of this name");
      continue;
    }
    const Tensor index =
        torch::tensor(entry.at("index").get<std::vector<std::int64_t>>(), torch::kInt64);
    const Tensor delta =
        (found->second.detach() - before.at(name)).flatten().index_select(0, index);
    const Tensor expected = torch::tensor(entry.at("delta").get<std::vector<double>>());
    // Each element within `rel` of its own size: compare the ratio with one.
    report.compare("delta." + name, delta.to(torch::kFloat64) / expected.to(torch::kFloat64),
                   torch::ones_like(expected), {0, rule.at("rel")});
  }
  for (const json& name : doc.at("training").at("no_gradient")) {
    const auto found = parameters.find(name.get<std::string>());
    report.check("still " + name.get<std::string>(),
                 found != parameters.end() &&
                     torch::equal(found->second, before.at(name.get<std::string>())),
                 "a parameter without gradient moved");
  }
}

}  // namespace

void run_mmca_train(const GoldenCase& golden, CaseReport& report) {
  const Gradients gradients = run_recipe(golden, report);
  run_in_float32(golden, gradients, report);
  if (golden.json().contains("step")) run_large_steps(golden, report);
}

}  // namespace referent::app
