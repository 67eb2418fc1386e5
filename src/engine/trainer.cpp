// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/trainer.h"

#include <ATen/Context.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <span>

#include "agreement.h"
#include "checkpoint_io.h"
#include "referent/batch/cuda_recording.h"
#include "referent/batch/profile.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/core/random.h"
#include "referent/data/sampler.h"
#include "referent/engine/versions.h"
#include "referent/image/decode.h"
#include "referent/inference/build.h"
#include "referent/models/init.h"
#include "referent/models/state.h"
#include "referent/text/config.h"
#include "referent/training/memory.h"
#include "referent/training/schedule.h"

namespace referent::engine {
namespace {

using Clock = std::chrono::steady_clock;

/// Before the step whose timeline is wanted.
constexpr std::int64_t kWarmUpSteps = 2;

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
  names.reserve(config.data.eval.size());
  for (const auto& [name, dataset] : config.data.eval) names.push_back(name);
  return names;
}

torch::ScalarType type_of(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return torch::kFloat32;
    case Precision::kBFloat16:
      return torch::kBFloat16;
    case Precision::kFloat16:
      return torch::kFloat16;
  }
  throw std::logic_error("unknown precision");
}

/// For the rest of the process. Operators of which LibTorch has no such kernel say so, once each.
void compute_deterministically() {
  // cuBLAS splits sums by the memory that it finds, unless it is told how much there is.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
  at::globalContext().setDeterministicCuDNN(true);
}

}  // namespace

Trainer::Trainer(const RunConfig& config, const TrainerOptions& options)
    : config_(config),
      options_(options),
      vocabulary_(text::carried_vocabulary(config.model.text_encoder.tokenizer)),
      tokenizer_(inference::build_tokenizer(config, vocabulary_)),
      started_(Clock::now()) {
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
  statistics_.emplace(*model_);
  optimizer_ = std::make_unique<training::AdamW>(config.train.optimizer, *model_);
  if (config.train.precision == Precision::kFloat16 || config.train.loss_scaling) {
    scaler_.emplace(config.train.loss_scaling.value_or(training::LossScalingConfig{}));
  }
  if (config.train.ema) ema_.emplace(*config.train.ema, *model_);
  if (config.train.cuda_graphs && CudaRecording::possible(options.device)) {
    recorded_ = std::make_unique<training::RecordedPasses>(*model_);
  }
  state_.accumulation = config.train.accumulation;
  at::globalContext().setAllowTF32CuBLAS(config.train.tf32);
  at::globalContext().setAllowTF32CuDNN(config.train.tf32);
  if (config.train.deterministic && options.device.is_cuda()) compute_deterministically();
}

void Trainer::check_masks() const {
  if (config_.model.heads.mask && !has_masks(examples_)) {
    throw DataError(
        "/data/train: none of {} expressions has an annotated mask, which the mask head learns "
        "from; give data with masks, or take /model/heads/mask away",
        examples_.size());
  }
  if (is_of_masks(config_.train.best_metric) && !eval_data_.empty() &&
      !has_masks(eval_data_.front().second.examples)) {
    throw DataError(
        "/train/best_metric is \"{}\", but no expression of data.eval.{}, which decides, has an "
        "annotated mask",
        config::name_of(config_.train.best_metric), eval_data_.front().first);
  }
}

void Trainer::initialise() {
  models::initialise(*model_, config_.model);
  if (config_.train.ema) ema_.emplace(*config_.train.ema, *model_);  // from the new values
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
  models::load_weights(*model_, checkpoint, checkpoint::Weights::kRaw);
  load_optimizer(*optimizer_, checkpoint);
  if (config_.train.ema) {
    ema_.emplace(*config_.train.ema, *model_);
    load_ema(*ema_, checkpoint, state.ema_updates, path.string());
  }
  if (scaler_) scaler_->load_state(state.loss_scaling);
  // The configuration may ask for smaller pieces than before, not take back what memory taught.
  state.accumulation = std::max(state.accumulation, config_.train.accumulation);
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

/// Before the first step: all ranks begin with the same, or not at all.
void Trainer::join_group() {
  if (options_.group == nullptr) return;
  distributed::ProcessGroup& group = *options_.group;
  group.check_agreement("configuration", dump_run_config(config_));
  group.check_agreement("version of the program", versions_json());
  group.check_agreement("options", fmt::format("--auto-accumulate: {}", options_.auto_accumulate));
  group.check_agreement("training data", description_of(examples_));
  group.check_agreement("point to go on from", to_text(state_));
  std::vector<torch::Tensor> tensors;
  for (const auto& [name, tensor] : models::state_of(*model_)) tensors.push_back(tensor);
  group.broadcast(tensors);
  const distributed::DistributedConfig& how = config_.train.distributed;
  reducer_ = std::make_unique<distributed::GradientReducer>(
      group, optimizer_->parameters(),
      distributed::ReducerOptions{how.deterministic, how.bucket_megabytes,
                                  config_.train.recompute_activations, options_.auto_accumulate});
}

Ended Trainer::run(const RunFolder* folder) {
  log_setup();
  join_group();
  if (folder != nullptr) {
    folder->discard_after(state_.step);
    Recorder(folder->path()).rewind(state_.step, state_.evaluated_step);
  }
  profiled_step_ = std::min(state_.step + kWarmUpSteps, total_steps() - 1);
  if (options_.profile && state_.step > profiled_step_) {
    log::warning("no step is left to write the timeline of");
  }
  ProgressBar bar(config_.name, total_steps(), state_.step);
  std::optional<Ended> ended;
  // An evaluation that an interruption cut off comes first.
  if (state_.step > 0) ended = evaluate_and_save(folder);
  while (!ended && state_.step < total_steps()) ended = train_epoch(folder, bar);
  if (ended.value_or(Ended::kDone) == Ended::kDone) {
    log::info("done: {} steps, weights {}", state_.step, weights_hash());
  }
  return ended.value_or(Ended::kDone);
}

Trainer::Share Trainer::share_of(const std::vector<std::int64_t>& batch) const {
  const auto samples = static_cast<std::ptrdiff_t>(batch.size());
  const std::ptrdiff_t begin = samples * rank() / processes();
  const std::ptrdiff_t end = samples * (rank() + 1) / processes();
  // A last batch of fewer samples than processes: who gets none computes one for nothing, so that
  // all take the same part in the step.
  if (begin == end) return {{batch.front()}, false};
  return {{batch.begin() + begin, batch.begin() + end}, true};
}

losses::BatchCounts Trainer::counts_of(const std::vector<std::int64_t>& batch) const {
  const auto masks = std::ranges::count_if(batch, [this](std::int64_t index) {
    return examples_[static_cast<std::size_t>(index)].mask != nullptr;
  });
  return {static_cast<std::int64_t>(batch.size()), masks};
}

std::vector<training::Piece> Trainer::pieces_of(const std::vector<std::int64_t>& batch,
                                                const Batch& share, bool counts) const {
  if (!counts) return {{share, 0, 0}};
  const auto samples = static_cast<std::int64_t>(batch.size());
  const std::int64_t pieces = processes() * state_.accumulation;  // of the whole batch
  const std::int64_t first = rank() * state_.accumulation;
  const std::int64_t before = samples * first / pieces;
  std::vector<training::Piece> result;
  for (std::int64_t piece = first; piece < first + state_.accumulation; ++piece) {
    const std::int64_t begin = samples * piece / pieces - before;
    const std::int64_t end = samples * (piece + 1) / pieces - before;
    if (begin == end) continue;
    RandomStream stream(static_cast<std::uint64_t>(config_.seed),
                        static_cast<std::uint64_t>(state_.step), static_cast<std::uint64_t>(piece),
                        "step");
    result.push_back({share.part(begin, end), stream.next(), 1});
  }
  return result;
}

std::optional<Ended> Trainer::train_epoch(const RunFolder* folder, ProgressBar& bar) {
  const std::int64_t epoch = state_.epoch();
  loader::Batches batches =
      loader::cut(data::epoch_order(static_cast<std::int64_t>(examples_.size()),
                                    static_cast<std::uint64_t>(config_.seed),
                                    static_cast<std::uint64_t>(epoch), /*shuffle=*/true),
                  config_.train.batch_size, config_.train.drop_last);
  batches.erase(batches.begin(), batches.begin() + state_.batch_in_epoch());
  loader::Batches shares;
  std::vector<bool> count;
  for (const auto& batch : batches) {
    Share share = share_of(batch);
    shares.push_back(std::move(share.indices));
    count.push_back(share.counts);
  }
  loader::Loader loader([this, epoch](std::int64_t index) { return make_sample(epoch, index); },
                        std::move(shares),
                        {.text_length = config_.data.text.length,
                         .pad_id = tokenizer_->pad_id(),
                         .workers = options_.workers});
  model_->train();
  for (std::size_t i = 0; i < batches.size() && state_.step < total_steps(); ++i) {
    const auto& batch = batches[i];
    const auto start = Clock::now();
    const auto loaded = loader.next();
    REFERENT_CHECK(loaded.has_value(), "epoch {} ended early", epoch + 1);
    data_seconds_ += seconds_since(start);
    const training::StepResult result = watched_step(batch, loaded->batch, count[i]);
    account(batch, result, folder);
    step_seconds_ += seconds_since(start);
    ++timed_steps_;
    bar.advance(fmt::format("loss {:.4f}", result.values.front().second));
    if (state_.step % config_.train.log_every == 0) {
      record_window(folder);
      record_timing(folder);
    }
    if (state_.bad_in_a_row >= config_.train.max_bad_steps) {
      log::error(
          "{} steps in a row without a finite loss and gradient: training stops; bad_steps.jsonl "
          "lists their samples",
          state_.bad_in_a_row);
      save(folder);
      return Ended::kDiverged;
    }
    if (const auto ended = evaluate_and_save(folder)) return ended;
  }
  return std::nullopt;
}

double Trainer::learning_rate_factor(std::int64_t step) const {
  return training::schedule_factor(config_.train.schedule, step, state_.steps_per_epoch,
                                   config_.train.epochs);
}

training::StepResult Trainer::watched_step(const std::vector<std::int64_t>& batch,
                                           const Batch& share, bool counts) {
  if (!options_.profile || state_.step != profiled_step_) return train_step(batch, share, counts);
  training::StepResult result;
  profile(options_.device, *options_.profile, [&] { result = train_step(batch, share, counts); });
  return result;
}

training::StepResult Trainer::train_step(const std::vector<std::int64_t>& batch, const Batch& share,
                                         bool counts) {
  training::RunningStatistics& statistics = statistics_.value();
  statistics.keep();
  for (;;) {
    const training::StepOptions how{
        options_.device,
        config_.train.loss,
        {type_of(config_.train.precision), config_.train.recompute_activations, recorded_.get()},
        {options_.group, reducer_.get(), options_.group != nullptr && options_.auto_accumulate}};
    const std::vector<training::Piece> pieces = pieces_of(batch, share, counts);
    try {
      const training::StepResult result =
          training::step(*model_, *optimizer_, pieces, counts_of(batch),
                         learning_rate_factor(state_.step), scaler_ ? scaler_->scale() : 1, how);
      if (!result.finite) {
        statistics.restore();
        return result;
      }
      if (options_.group != nullptr) statistics.average(*options_.group);
      if (ema_) ema_->update();
      return result;
    } catch (const std::exception& error) {
      if (!training::is_out_of_memory(error)) throw;
      if (!forget_recordings(error)) make_smaller_pieces(batch.size(), error);
      statistics.restore();
    }
  }
}

/// After a step that found no memory: true when there was some to give back, so that the step may
/// be begun anew.
bool Trainer::forget_recordings(const std::exception& error) {
  if (!recorded_ || !recorded_->any() || !may_begin_anew(error)) return false;
  optimizer_->zero_gradients();
  recorded_.reset();
  training::release_unused_memory(options_.device);
  log::warning(
      "too little memory to record step {}: it and the next ones are launched kernel by "
      "kernel",
      state_.step + 1);
  return true;
}

/// Without an agreement the other processes are within the step that found no memory.
bool Trainer::may_begin_anew(const std::exception& error) const {
  return processes() == 1 || dynamic_cast<const training::OutOfMemory*>(&error) != nullptr;
}

/// After a step of `samples` that found no memory.
void Trainer::make_smaller_pieces(std::size_t samples, const std::exception& error) {
  optimizer_->zero_gradients();
  training::release_unused_memory(options_.device);
  const std::int64_t pieces = processes() * state_.accumulation;
  const std::int64_t size = (static_cast<std::int64_t>(samples) + pieces - 1) / pieces;
  const auto* agreed = dynamic_cast<const training::OutOfMemory*>(&error);
  const std::string failed = fmt::format(
      "out of memory in step {}{}, at {} pictures of {} x {} pixels at once in {}", state_.step + 1,
      agreed != nullptr ? fmt::format(" on rank {}", agreed->rank()) : "", size,
      config_.data.image.size, config_.data.image.size, config::name_of(config_.train.precision));
  if (!options_.auto_accumulate || size <= 1 || !may_begin_anew(error)) {
    const std::string reason = error.what();
    throw DeviceError(
        "{}. Raise /train/accumulation{}, set /train/recompute_activations, lower "
        "/train/batch_size or /data/image/size. {}",
        failed, options_.auto_accumulate ? "" : " (or give --auto-accumulate)",
        reason.substr(0, reason.find('\n')));
  }
  state_.accumulation *= 2;
  log::warning("{}: /train/accumulation is {} from now on, the batch stays {}", failed,
               state_.accumulation, config_.train.batch_size);
}

void Trainer::account(const std::vector<std::int64_t>& batch, const training::StepResult& result,
                      const RunFolder* folder) {
  ++state_.step;
  const bool overflowed =
      scaler_ && std::isfinite(result.values.front().second) && scaler_->update(result.finite);
  if (overflowed) {
    ++state_.skipped;
    ++state_.overflowed;
    log::debug("step {} skipped: its gradient overflowed; the loss's scale is {} now", state_.step,
               scaler_->scale());
    return;
  }
  if (!result.finite) {
    ++state_.skipped;
    ++state_.bad_in_a_row;
    std::vector<std::string> ids;
    ids.reserve(batch.size());
    for (const std::int64_t index : batch) {
      ids.push_back(examples_[static_cast<std::size_t>(index)].id);
    }
    if (folder != nullptr) {
      Recorder(folder->path()).record_bad_step(state_.step, ids, result.values);
    }
    std::string values;
    for (const auto& [name, value] : result.values) values += fmt::format("{} {}, ", name, value);
    log::warning("step {} skipped: {}samples {}", state_.step, values, fmt::join(ids, ", "));
    return;
  }
  state_.bad_in_a_row = 0;
  for (const auto& [name, value] : result.values) {
    auto& [sum, steps] = state_.window[name];
    sum += value;
    ++steps;
  }
}

void Trainer::record_window(const RunFolder* folder) {
  const std::int64_t last_step = state_.step - 1;
  Record record{"train", state_.step, last_step / state_.steps_per_epoch + 1, "", {}};
  for (const auto& [name, window] : state_.window) {
    record.values.emplace_back(name, window.first / static_cast<double>(window.second));
  }
  record.values.emplace_back(
      "learning_rate", config_.train.optimizer.learning_rate * learning_rate_factor(last_step));
  record.values.emplace_back("skipped", static_cast<double>(state_.skipped));
  if (scaler_) record.values.emplace_back("loss_scale", scaler_->scale());
  if (folder != nullptr) Recorder(folder->path()).record(record);
  state_.window.clear();
}

void Trainer::record_timing(const RunFolder* folder) {
  const auto steps = static_cast<double>(timed_steps_);
  Values values{{"seconds_per_step", step_seconds_ / steps},
                {"data_seconds_per_step", data_seconds_ / steps},
                {"samples_per_second", steps * static_cast<double>(config_.train.batch_size) /
                                           std::max(step_seconds_, 1e-9)}};
  if (reducer_) {
    const distributed::CommunicationCost cost = reducer_->take_cost();
    values.emplace_back("exchanged_bytes_per_step", static_cast<double>(cost.bytes) / steps);
    values.emplace_back("exchange_seconds_per_step", cost.seconds / steps);
    values.emplace_back("exposed_exchange_seconds_per_step", cost.exposed_seconds / steps);
  }
  if (folder != nullptr) Recorder(folder->path()).record_timing(state_.step, values);
  step_seconds_ = 0;
  data_seconds_ = 0;
  timed_steps_ = 0;
}

}  // namespace referent::engine
