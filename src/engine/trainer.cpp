// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/trainer.h"

#include <ATen/Context.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "checkpoint_io.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/core/random.h"
#include "referent/core/version.h"
#include "referent/data/sampler.h"
#include "referent/engine/versions.h"
#include "referent/image/decode.h"
#include "referent/inference/build.h"
#include "referent/losses/grounding_losses.h"
#include "referent/models/init.h"
#include "referent/text/config.h"
#include "referent/training/forward.h"
#include "referent/training/schedule.h"

namespace referent::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kRank = 0;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

data::Dataset open_dataset(const data::DatasetConfig& config, const std::string& name,
                           data::Masks masks) {
  data::Dataset dataset = data::open_dataset(config, masks);
  log::info("{}: {} expressions in {}{}{}", name, dataset.examples.size(), dataset.name,
            dataset.split.empty() ? "" : " ", dataset.split);
  if (dataset.missing > 0) {
    log::warning("{}: {} expressions left out, their images are missing", name, dataset.missing);
  }
  if (masks == data::Masks::kRead && dataset.without_mask > 0) {
    log::warning("{}: {} of {} expressions have no annotated mask: they count for boxes only", name,
                 dataset.without_mask, dataset.examples.size());
  }
  return dataset;
}

bool has_masks(std::span<const data::Example> examples) {
  return std::ranges::any_of(examples,
                             [](const data::Example& example) { return example.mask != nullptr; });
}

/// The names of data.eval to use while training, the one that decides which is best first.
std::vector<std::string> eval_names(const RunConfig& config) {
  if (!config.train.eval_data.empty()) return config.train.eval_data;
  std::vector<std::string> names;
  for (const auto& [name, dataset] : config.data.eval) names.push_back(name);
  return names;
}

std::string joined_ids(const std::vector<data::Sample>& samples) {
  std::vector<std::string> ids;
  ids.reserve(samples.size());
  for (const data::Sample& sample : samples) ids.push_back(sample.id);
  return fmt::format("{}", fmt::join(ids, ", "));
}

}  // namespace

Trainer::Trainer(const RunConfig& config, const TrainerOptions& options)
    : config_(config),
      options_(options),
      vocabulary_(text::vocabulary_text(config.model.text_encoder.tokenizer)),
      tokenizer_(text::make_word_piece(vocabulary_)) {
  if (config.data.train.empty()) {
    throw ConfigError("/data/train is empty: training needs at least one data set");
  }
  const auto masks = config.model.heads.mask ? data::Masks::kRead : data::Masks::kIgnore;
  for (std::size_t i = 0; i < config.data.train.size(); ++i) {
    data::Dataset dataset =
        open_dataset(config.data.train[i], fmt::format("data.train[{}]", i), masks);
    std::ranges::move(dataset.examples, std::back_inserter(examples_));
  }
  for (const std::string& name : eval_names(config)) {
    eval_data_.emplace_back(name,
                            open_dataset(config.data.eval.at(name), "data.eval." + name, masks));
  }
  check_masks();
  state_.steps_per_epoch = loader::batch_count(static_cast<std::int64_t>(examples_.size()),
                                               config.train.batch_size, config.train.drop_last);
  if (state_.steps_per_epoch == 0) {
    throw ConfigError(
        "/train/batch_size {} is more than the {} training expressions; lower it, or set "
        "/train/drop_last to false",
        config.train.batch_size, examples_.size());
  }
  transform_ = data::make_train_transform(inference::transform_context(config, tokenizer_),
                                          config.data.augment);
  at::manual_seed(static_cast<std::uint64_t>(config.seed));
  model_ = inference::build_model(config);
  model_->to(options.device);
  optimizer_ = std::make_unique<training::AdamW>(config.train.optimizer, *model_);
}

void Trainer::check_masks() const {
  if (config_.model.heads.mask && !has_masks(examples_)) {
    throw DataError(
        "/data/train: none of {} expressions has an annotated mask, which the mask head learns "
        "from; give data with masks, or take /model/heads/mask away",
        examples_.size());
  }
  if (config_.train.best_metric == BestMetric::kMaskMeanIou && !eval_data_.empty() &&
      !has_masks(eval_data_.front().second.examples)) {
    throw DataError(
        "/train/best_metric is \"mask_mean_iou\", but no expression of data.eval.{}, which "
        "decides, has an annotated mask",
        eval_data_.front().first);
  }
}

void Trainer::initialise() {
  models::initialise(*model_, config_.model);
}

void Trainer::resume(const Path& path) {
  const checkpoint::Checkpoint checkpoint = checkpoint::read_checkpoint(path);
  TrainState state = parse_train_state(checkpoint.training, path.string());
  if (state.steps_per_epoch != state_.steps_per_epoch) {
    throw ConfigError(
        "{}: an epoch of the interrupted run had {} steps, now it has {}; resume with the same "
        "data, /train/batch_size and /train/drop_last",
        path.string(), state.steps_per_epoch, state_.steps_per_epoch);
  }
  models::load_weights(*model_, checkpoint);
  load_optimizer(*optimizer_, checkpoint);
  state_ = std::move(state);
  metrics_ = checkpoint.metrics;
  log::info("resuming from {}: step {}, epoch {}", path.string(), state_.step, state_.epoch() + 1);
}

std::string Trainer::weights_hash() const {
  return engine::weights_hash(*model_);
}

std::int64_t Trainer::total_steps() const {
  const std::int64_t all = state_.steps_per_epoch * config_.train.epochs;
  return std::min(all, config_.train.max_steps.value_or(all));
}

void Trainer::log_setup() const {
  std::int64_t frozen = 0;
  for (const torch::Tensor& parameter : model_->parameters()) {
    if (!parameter.requires_grad()) frozen += parameter.numel();
  }
  log::info("{} steps in epochs of {}, batches of {}, seed {}", total_steps(),
            state_.steps_per_epoch, config_.train.batch_size, config_.seed);
  log::info("{:<20} {:>8} {:>12} {:>14}", "parameter group", "tensors", "numbers", "learning rate");
  for (const auto& group : optimizer_->groups()) {
    log::info("{:<20} {:>8} {:>12} {:>14}", group.name, group.parameters.size(), group.count,
              group.learning_rate);
  }
  log::info("{:<20} {:>8} {:>12} {:>14}", "(frozen)", "", frozen, "");
}

data::Sample Trainer::make_sample(std::int64_t epoch, std::int64_t index) const {
  const data::Example& example = examples_[static_cast<std::size_t>(index)];
  RandomStream stream(static_cast<std::uint64_t>(config_.seed), static_cast<std::uint64_t>(epoch),
                      static_cast<std::uint64_t>(index), "augment");
  return (*transform_)(example, image::decode_file(example.image, image::Orientation::kIgnore),
                       stream);
}

Ended Trainer::run(const RunFolder& folder) {
  log_setup();
  folder.discard_after(state_.step);
  Recorder(folder.path()).rewind(state_.step, state_.evaluated_step);
  ProgressBar bar(config_.name, total_steps(), state_.step);
  // An evaluation that an interruption cut off comes first.
  if (state_.step > 0 && !evaluate_and_save(folder)) return Ended::kStopped;
  while (state_.step < total_steps()) {
    const Ended ended = train_epoch(folder, bar);
    if (ended != Ended::kDone) return ended;
  }
  log::info("done: {} steps, weights {}", state_.step, weights_hash());
  return Ended::kDone;
}

Ended Trainer::train_epoch(const RunFolder& folder, ProgressBar& bar) {
  const Recorder recorder(folder.path());
  const std::int64_t epoch = state_.epoch();
  loader::Loader loader(
      [this, epoch](std::int64_t index) { return make_sample(epoch, index); },
      data::epoch_order(static_cast<std::int64_t>(examples_.size()),
                        static_cast<std::uint64_t>(config_.seed), static_cast<std::uint64_t>(epoch),
                        /*shuffle=*/true),
      {.batch_size = config_.train.batch_size,
       .drop_last = config_.train.drop_last,
       .first_batch = state_.batch_in_epoch(),
       .text_length = config_.data.text.length,
       .pad_id = tokenizer_->pad_id(),
       .workers = options_.workers});
  model_->train();
  while (state_.epoch() == epoch && state_.step < total_steps()) {
    const auto start = Clock::now();
    const auto loaded = loader.next();
    REFERENT_CHECK(loaded.has_value(), "epoch {} ended early", epoch + 1);
    data_seconds_ += seconds_since(start);
    const StepResult result = train_step(loaded->batch.to(options_.device));
    account(*loaded, result);
    step_seconds_ += seconds_since(start);
    ++timed_steps_;
    bar.advance(fmt::format("loss {:.4f}", result.values.front().second));
    if (state_.step % config_.train.log_every == 0) {
      record_window(recorder);
      record_timing(recorder);
    }
    if (state_.bad_in_a_row >= config_.train.max_bad_steps) {
      log::error("{} steps in a row without a finite loss and gradient: training stops",
                 state_.bad_in_a_row);
      save(folder);
      return Ended::kDiverged;
    }
    if (!evaluate_and_save(folder)) return Ended::kStopped;
  }
  return Ended::kDone;
}

Trainer::StepResult Trainer::train_step(const Batch& batch) {
  at::manual_seed(RandomStream(static_cast<std::uint64_t>(config_.seed),
                               static_cast<std::uint64_t>(state_.step), kRank, "step")
                      .next());
  optimizer_->zero_gradients();
  const training::ForwardOptions how{
      config_.train.precision == Precision::kBFloat16 ? torch::kBFloat16 : torch::kFloat32,
      config_.train.recompute_activations};
  const Losses losses =
      losses::grounding_losses(config_.train.loss, training::forward(*model_, batch, how), batch);
  losses.total.backward();
  // Not finite where the loss is not.
  const torch::Tensor norm = optimizer_->gradient_norm() + 0.0 * losses.total.detach();
  optimizer_->step(training::schedule_factor(config_.train.schedule, state_.step,
                                             state_.steps_per_epoch, config_.train.epochs),
                   norm);

  // The one place where the host waits for the device.
  std::vector<std::string> names{"loss"};
  std::vector<torch::Tensor> scalars{losses.total.detach()};
  for (const auto& [name, value] : losses.parts) {
    names.push_back("loss_" + name);
    scalars.push_back(value.detach());
  }
  names.emplace_back("gradient_norm");
  scalars.push_back(norm);
  for (torch::Tensor& scalar : scalars) scalar = scalar.to(torch::kFloat64);
  const torch::Tensor values = torch::stack(scalars).to(torch::kCPU);
  StepResult result;
  for (std::size_t i = 0; i < names.size(); ++i) {
    result.values.emplace_back(names[i], values[static_cast<std::int64_t>(i)].item<double>());
  }
  result.finite = std::isfinite(result.values.back().second);
  return result;
}

void Trainer::account(const loader::LoadedBatch& loaded, const StepResult& result) {
  ++state_.step;
  if (!result.finite) {
    ++state_.skipped;
    ++state_.bad_in_a_row;
    std::string values;
    for (const auto& [name, value] : result.values) values += fmt::format("{} {}, ", name, value);
    log::warning("step {} skipped: {}samples {}", state_.step, values, joined_ids(loaded.samples));
    return;
  }
  state_.bad_in_a_row = 0;
  for (const auto& [name, value] : result.values) {
    auto& [sum, steps] = state_.window[name];
    sum += value;
    ++steps;
  }
}

void Trainer::record_window(const Recorder& recorder) {
  const std::int64_t last_step = state_.step - 1;
  Record record{"train", state_.step, last_step / state_.steps_per_epoch + 1, "", {}};
  for (const auto& [name, window] : state_.window) {
    record.values.emplace_back(name, window.first / static_cast<double>(window.second));
  }
  record.values.emplace_back(
      "learning_rate", config_.train.optimizer.learning_rate *
                           training::schedule_factor(config_.train.schedule, last_step,
                                                     state_.steps_per_epoch, config_.train.epochs));
  record.values.emplace_back("skipped", static_cast<double>(state_.skipped));
  recorder.record(record);
  state_.window.clear();
}

void Trainer::record_timing(const Recorder& recorder) {
  const auto steps = static_cast<double>(timed_steps_);
  recorder.record_timing(
      state_.step, {{"seconds_per_step", step_seconds_ / steps},
                    {"data_seconds_per_step", data_seconds_ / steps},
                    {"samples_per_second", steps * static_cast<double>(config_.train.batch_size) /
                                               std::max(step_seconds_, 1e-9)}});
  step_seconds_ = 0;
  data_seconds_ = 0;
  timed_steps_ = 0;
}

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

/// What the boundary between two steps asks for. False when the run is to end here; then a
/// checkpoint holds all that there is.
bool Trainer::evaluate_and_save(const RunFolder& folder) {
  bool save_now = save_due();
  if (evaluation_due() && state_.evaluated_step < state_.step) {
    const auto evaluations = evaluate_all();
    if (!evaluations) {
      save(folder);
      return false;
    }
    note(*evaluations, Recorder(folder.path()));
    save_now = true;
  }
  const bool stop = stop_requested() && state_.step < total_steps();
  if (save_now || stop) save(folder);
  return !stop;
}

std::optional<std::vector<Evaluation>> Trainer::evaluate_all() {
  const inference::Predictor predictor(model_, config_, tokenizer_, options_.device);
  std::vector<Evaluation> evaluations;
  for (const auto& [name, dataset] : eval_data_) {
    auto evaluation = evaluate(predictor, name, dataset,
                               {.batch_size = config_.eval.batch_size,
                                .workers = options_.workers,
                                .stop = [this] { return stop_requested(); }});
    if (!evaluation) return std::nullopt;
    evaluations.push_back(std::move(*evaluation));
  }
  model_->train();
  return evaluations;
}

void Trainer::note(const std::vector<Evaluation>& evaluations, const Recorder& recorder) {
  state_.evaluated_step = state_.step;
  nlohmann::ordered_json metrics = {{"step", state_.step}};
  for (const Evaluation& evaluation : evaluations) {
    Record record{"eval", state_.step, (state_.step - 1) / state_.steps_per_epoch + 1,
                  evaluation.dataset, metric_values(evaluation)};
    metrics[evaluation.dataset] = nlohmann::ordered_json::object();
    for (const auto& [name, value] : record.values) metrics[evaluation.dataset][name] = value;
    recorder.record(record);
    log::info("step {}, {}: Prec@0.5 {:.2f} %, mean IoU {:.2f} %", state_.step, evaluation.dataset,
              100 * evaluation.metrics.precision(0.5F), 100 * evaluation.metrics.mean_iou());
    if (evaluation.masks && evaluation.masks->count() > 0) {
      log::info("step {}, {}: masks: Prec@0.5 {:.2f} %, mean IoU {:.2f} %", state_.step,
                evaluation.dataset, 100 * evaluation.masks->precision(0.5F),
                100 * evaluation.masks->mean_iou());
    }
  }
  metrics_ = metrics.dump();
  if (evaluations.empty()) return;
  const metrics::GroundingMetrics& deciding = evaluations.front().metrics;
  BestEvaluation now{state_.step, deciding.precision(0.5F), deciding.mean_iou()};
  if (config_.train.best_metric == BestMetric::kMeanIou) std::swap(now.value, now.tie_break);
  if (config_.train.best_metric == BestMetric::kMaskMeanIou) {
    now = {state_.step, evaluations.front().masks.value().mean_iou(), deciding.precision(0.5F)};
  }
  if (!state_.best ||
      std::pair(now.value, now.tie_break) > std::pair(state_.best->value, state_.best->tie_break)) {
    state_.best = now;
  }
}

void Trainer::save(const RunFolder& folder) const {
  checkpoint::Checkpoint checkpoint;
  checkpoint.tensors = training_tensors(*model_, *optimizer_);
  checkpoint.config = dump_run_config(config_);
  checkpoint.vocabulary = vocabulary_;
  checkpoint.versions = versions_json();
  checkpoint.git = build_info().git;
  checkpoint.metrics = metrics_;
  checkpoint.training = to_text(state_);
  checkpoint::write_checkpoint(folder.checkpoint(state_.step), checkpoint);
  folder.publish(state_.step, state_.best ? std::optional(state_.best->step) : std::nullopt);
}

}  // namespace referent::engine
