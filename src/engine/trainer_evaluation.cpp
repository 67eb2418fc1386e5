// SPDX-License-Identifier: Apache-2.0
// What a Trainer does between steps: evaluate, choose the best, save, end.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "checkpoint_io.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/core/version.h"
#include "referent/engine/trainer.h"
#include "referent/engine/versions.h"
#include "referent/training/memory.h"

namespace referent::engine {
namespace {

/// Begins the names of what averaged weights scored.
constexpr const char* kEmaPrefix = "ema_";

void log_evaluation(std::int64_t step, const char* weights, const Evaluation& evaluation) {
  log::info("step {}, {}{}: Prec@0.5 {:.2f} %, mean IoU {:.2f} %", step, evaluation.dataset,
            weights, 100 * evaluation.metrics.precision(0.5F), 100 * evaluation.metrics.mean_iou());
  if (!evaluation.masks || evaluation.masks->count() == 0) return;
  log::info("step {}, {}{}: masks: Prec@0.5 {:.2f} %, mean IoU {:.2f} %", step, evaluation.dataset,
            weights, 100 * evaluation.masks->precision(0.5F), 100 * evaluation.masks->mean_iou());
}

}  // namespace

bool Trainer::evaluation_due() const {
  const TrainConfig& train = config_.train;
  if (state_.step == total_steps()) return true;
  if (train.eval_every_steps > 0 && state_.step % train.eval_every_steps == 0) return true;
  return train.eval_every_epochs > 0 && state_.batch_in_epoch() == 0 &&
         state_.epoch() % train.eval_every_epochs == 0;
}

bool Trainer::save_due() const {
  return config_.train.save_every_steps > 0 && state_.step % config_.train.save_every_steps == 0;
}

bool Trainer::stopped_early() const {
  return config_.train.early_stopping &&
         state_.evaluations_since_best >= config_.train.early_stopping->patience;
}

/// Why the run ends at this boundary between two steps, if it does.
std::optional<Ended> Trainer::ends_now() {
  if (stopped_early()) {
    log::info("stopped early: {} evaluations in a row were not better than step {}",
              state_.evaluations_since_best, state_.best ? state_.best->step : 0);
    return Ended::kDone;
  }
  if (state_.step >= total_steps()) return std::nullopt;
  const std::chrono::duration<double> so_far = std::chrono::steady_clock::now() - started_;
  const bool late = options_.time_limit > 0 && so_far.count() >= options_.time_limit;
  torch::Tensor asked = torch::tensor({stop_requested() ? 1.0 : 0.0, late ? 1.0 : 0.0});
  if (options_.group != nullptr) options_.group->all_reduce_sum(asked);
  if (asked[0].item<double>() > 0) return Ended::kStopped;
  if (asked[1].item<double>() > 0) return Ended::kTimeLimit;
  return std::nullopt;
}

/// What the boundary between two steps asks for. When the run is to end here, a checkpoint holds
/// all that there is.
std::optional<Ended> Trainer::evaluate_and_save(const RunFolder* folder) {
  bool save_now = save_due();
  if (evaluation_due() && state_.evaluated_step < state_.step) {
    if (!evaluate_and_note(folder)) {
      save(folder);
      return Ended::kStopped;
    }
    save_now = true;
  }
  std::optional<Ended> ended = ends_now();
  if (save_now || ended) save(folder);
  // What was asked for during the save need not wait for a step.
  if (save_now && !ended) ended = ends_now();
  return ended;
}

std::optional<std::vector<Evaluation>> Trainer::evaluate_all() {
  // What a step's tensors lay in would be kept beside what evaluation needs.
  training::release_unused_memory(options_.device);
  const inference::Predictor predictor(model_, config_, tokenizer_, options_.device);
  std::vector<Evaluation> evaluations;
  for (const auto& [name, dataset] : eval_data_) {
    auto evaluation = evaluate(predictor, name, dataset,
                               {.batch_size = config_.eval.batch_size,
                                .workers = options_.workers,
                                .stop = [this] { return stop_requested(); },
                                .group = options_.group});
    if (!evaluation) return std::nullopt;
    evaluations.push_back(std::move(*evaluation));
  }
  model_->train();
  return evaluations;
}

/// False when it was asked to stop meanwhile.
bool Trainer::evaluate_and_note(const RunFolder* folder) {
  const auto raw = evaluate_all();
  if (!raw) return false;
  std::optional<std::vector<Evaluation>> averaged;
  if (ema_) {
    training::Ema& ema = *ema_;
    ema.swap();
    averaged = evaluate_all();
    ema.swap();
    if (!averaged) return false;
  }
  state_.evaluated_step = state_.step;
  nlohmann::ordered_json metrics = {{"step", state_.step}};
  for (std::size_t i = 0; i < raw->size(); ++i) {
    const Evaluation& evaluation = (*raw)[i];
    log_evaluation(state_.step, "", evaluation);
    Record record{"eval", state_.step, (state_.step - 1) / state_.steps_per_epoch + 1,
                  evaluation.dataset, metric_values(evaluation)};
    if (averaged) {
      log_evaluation(state_.step, ", averaged weights", (*averaged)[i]);
      for (auto& [name, value] : metric_values((*averaged)[i])) {
        record.values.emplace_back(kEmaPrefix + name, value);
      }
    }
    metrics[evaluation.dataset] = nlohmann::ordered_json::object();
    for (const auto& [name, value] : record.values) metrics[evaluation.dataset][name] = value;
    if (folder != nullptr) Recorder(folder->path()).record(record);
    if (i == 0) choose_best(record.values, averaged ? kEmaPrefix : "");
  }
  metrics_ = metrics.dump();
  return true;
}

/// `prefix` begins the names of the values that decide.
void Trainer::choose_best(const Values& values, const std::string& prefix) {
  const auto value_of = [&](BestMetric metric) {
    const std::string name = prefix + config::name_of(metric);
    const auto found = std::ranges::find(values, name, &Values::value_type::first);
    REFERENT_CHECK(found != values.end(), "no {} among the metrics", name);
    return found->second;
  };
  const BestMetric metric = config_.train.best_metric;
  const BestEvaluation now{state_.step, value_of(metric),
                           value_of(metric == BestMetric::kPrecision50 ? BestMetric::kMeanIou
                                                                       : BestMetric::kPrecision50)};
  const double gain = config_.train.early_stopping ? config_.train.early_stopping->gain : 0;
  const bool better = !state_.best || now.value > state_.best->value + gain;
  state_.evaluations_since_best = better ? 0 : state_.evaluations_since_best + 1;
  if (!state_.best ||
      std::pair(now.value, now.tie_break) > std::pair(state_.best->value, state_.best->tie_break)) {
    state_.best = now;
  }
}

void Trainer::save(const RunFolder* folder) {
  if (ema_) state_.ema_updates = ema_->updates();
  if (scaler_) state_.loss_scaling = scaler_->state();
  if (folder == nullptr) return;
  checkpoint::Checkpoint checkpoint;
  checkpoint.tensors = training_tensors(*model_, *optimizer_, ema_ ? &*ema_ : nullptr);
  checkpoint.config = dump_run_config(config_);
  checkpoint.vocabulary = vocabulary_;
  checkpoint.versions = versions_json();
  checkpoint.git = build_info().git;
  checkpoint.metrics = metrics_;
  checkpoint.training = to_text(state_);
  checkpoint::write_checkpoint(folder->checkpoint(state_.step), checkpoint);
  folder->publish(state_.step, state_.best ? std::optional(state_.best->step) : std::nullopt,
                  {config_.train.keep_last, config_.train.keep_every_steps});
}

}  // namespace referent::engine
