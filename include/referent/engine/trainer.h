// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "referent/batch/batch.h"
#include "referent/core/progress.h"
#include "referent/core/signal.h"
#include "referent/data/dataset.h"
#include "referent/data/transform.h"
#include "referent/distributed/gradient_reducer.h"
#include "referent/distributed/process_group.h"
#include "referent/engine/config.h"
#include "referent/engine/evaluator.h"
#include "referent/engine/recorder.h"
#include "referent/engine/run_folder.h"
#include "referent/engine/train_state.h"
#include "referent/loader/loader.h"
#include "referent/models/model.h"
#include "referent/text/tokenizer.h"
#include "referent/training/ema.h"
#include "referent/training/loss_scaler.h"
#include "referent/training/optimizer.h"
#include "referent/training/running_statistics.h"
#include "referent/training/step.h"

namespace referent::engine {

struct TrainerOptions {
  torch::Device device = torch::kCPU;
  /// The processes that train together; null: this one alone. Must outlive the trainer.
  distributed::ProcessGroup* group = nullptr;
  std::int64_t workers = 2;
  /// Seconds after which training stops with all that is needed to go on; 0: none.
  double time_limit = 0;
  /// Where memory does not suffice for a step, compute it in twice as many pieces, again and again;
  /// of several processes all do. Set alike on all of them.
  bool auto_accumulate = false;
  /// Where the timeline of one step goes (see profile()): the third of this run, for the first ones
  /// also allocate and plan; the last where there are fewer.
  std::optional<Path> profile = std::nullopt;
  /// Asked between steps and between batches of an evaluation; a signal's number ends the run.
  std::function<int()> stop = stop_signal;
};

/// How a run ended.
enum class Ended {
  kDone,       ///< all steps, or none more by train.early_stopping
  kStopped,    ///< on request; the last checkpoint holds everything
  kTimeLimit,  ///< as kStopped, for time has run out
  kDiverged,   ///< too many steps in a row without a finite loss and gradient
};

/// Trains a model as a configuration says. Resuming from a checkpoint gives, on one machine and at
/// equal threads, the metrics files and weights of a run that was never interrupted, bit for bit.
/// Several processes see the batches that one would; only the order in which gradients are added up
/// differs, and that batch norms that learn normalise by a process's share of a batch (their
/// running statistics are averaged after every step). All of them call the same methods; rank 0
/// writes.
class Trainer {
 public:
  /// Opens the data and builds the model with its random values. Throws ConfigError and DataError,
  /// the latter also for a model with a mask head when no training expression has a mask.
  Trainer(const RunConfig& config, const TrainerOptions& options);

  /// Fills the model from the files of model.init: the beginning of a run that resumes nothing.
  void initialise();

  /// Takes up the state that `checkpoint` holds. Throws CheckpointError when it holds none or it
  /// does not fit, ConfigError when an epoch no longer has as many steps.
  void resume(const Path& checkpoint);

  /// Trains to the end, or until it is stopped; writes to `folder` (null on all ranks but 0), whose
  /// metrics files are cut back to where the run stands. Throws DeviceError where memory does not
  /// suffice, FileError where the folder cannot be written to; what was saved before stays.
  Ended run(const RunFolder* folder);

  const TrainState& state() const { return state_; }
  /// One hash over all parameters and buffers, 16 hexadecimal digits.
  std::string weights_hash() const;

 private:
  /// This process's part of a batch.
  struct Share {
    std::vector<std::int64_t> indices;
    bool counts = true;  ///< false for a stand-in where the batch has no sample left for it
  };

  void check_masks() const;
  void join_group();
  int rank() const { return options_.group != nullptr ? options_.group->rank() : 0; }
  int processes() const { return options_.group != nullptr ? options_.group->size() : 1; }
  std::int64_t total_steps() const;
  bool stop_requested() const { return options_.stop && options_.stop() != 0; }
  void log_setup() const;
  data::Sample make_sample(std::int64_t epoch, std::int64_t index) const;

  Share share_of(const std::vector<std::int64_t>& batch) const;
  losses::BatchCounts counts_of(const std::vector<std::int64_t>& batch) const;
  std::vector<training::Piece> pieces_of(const std::vector<std::int64_t>& batch, const Batch& share,
                                         bool counts) const;

  std::optional<Ended> train_epoch(const RunFolder* folder, ProgressBar& bar);
  training::StepResult watched_step(const std::vector<std::int64_t>& batch, const Batch& share,
                                    bool counts);
  training::StepResult train_step(const std::vector<std::int64_t>& batch, const Batch& share,
                                  bool counts);
  bool forget_recordings(const std::exception& error);
  bool may_begin_anew(const std::exception& error) const;
  void make_smaller_pieces(std::size_t samples, const std::exception& error);
  void account(const std::vector<std::int64_t>& batch, const training::StepResult& result,
               const RunFolder* folder);
  double learning_rate_factor(std::int64_t step) const;
  void record_window(const RunFolder* folder);
  void record_timing(const RunFolder* folder);

  bool evaluation_due() const;
  bool save_due() const;
  bool stopped_early() const;
  std::optional<Ended> ends_now();
  std::optional<Ended> evaluate_and_save(const RunFolder* folder);
  std::optional<std::vector<Evaluation>> evaluate_all();
  bool evaluate_and_note(const RunFolder* folder);
  void choose_best(const Values& values, const std::string& prefix);
  void save(const RunFolder* folder);

  RunConfig config_;
  TrainerOptions options_;
  std::string vocabulary_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::vector<data::Example> examples_;
  std::vector<std::pair<std::string, data::Dataset>> eval_data_;
  std::unique_ptr<data::Transform> transform_;
  std::shared_ptr<models::Model> model_;
  std::optional<training::RunningStatistics> statistics_;
  std::unique_ptr<training::AdamW> optimizer_;
  std::optional<training::Ema> ema_;
  std::optional<training::LossScaler> scaler_;
  std::unique_ptr<distributed::GradientReducer> reducer_;
  std::unique_ptr<training::RecordedPasses> recorded_;  ///< null: passes are not recorded
  TrainState state_;
  std::string metrics_;             ///< the last evaluation as JSON, for checkpoints
  std::int64_t profiled_step_ = 0;  ///< counted as state_.step
  std::chrono::steady_clock::time_point started_;
  double step_seconds_ = 0;  ///< since the last line of timing.jsonl
  double data_seconds_ = 0;  ///< of them spent waiting for data
  std::int64_t timed_steps_ = 0;
};

}  // namespace referent::engine
