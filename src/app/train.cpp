// SPDX-License-Identifier: Apache-2.0
#include "train.h"

#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>

#include "referent/app/commands.h"
#include "referent/checkpoint/checkpoint.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/core/signal.h"
#include "referent/engine/trainer.h"
#include "referent/inference/build.h"

namespace referent::app {
namespace {

constexpr const char* kAuto = "auto";

Path folder_of(const engine::RunConfig& config, const TrainOptions& options) {
  if (!options.out.empty()) return options.out;
  return config.output.folder.empty() ? Path("runs") / config.name : config.output.folder;
}

engine::Existing existing_of(const TrainOptions& options) {
  if (!options.resume.empty() && options.overwrite) {
    throw ConfigError("--resume and --overwrite exclude each other");
  }
  if (!options.resume.empty()) return engine::Existing::kResume;
  return options.overwrite ? engine::Existing::kOverwrite : engine::Existing::kRefuse;
}

/// Goes on from the last sound checkpoint of the folder; false when there is none at all. A
/// checkpoint that a crash or the disk spoilt makes way for the one before it.
bool resume_last(engine::Trainer& trainer, const engine::RunFolder& folder) {
  const std::vector<std::int64_t> steps = folder.checkpoint_steps();
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    try {
      trainer.resume(folder.checkpoint(*step));
      return true;
    } catch (const CheckpointError& error) {
      if (std::next(step) == steps.rend()) throw;
      log::warning("{}; trying the checkpoint before it", error.what());
    }
  }
  return false;
}

/// The step that training goes on from; nothing for a new run.
std::optional<std::int64_t> begin(engine::Trainer& trainer, const engine::RunFolder& folder,
                                  const std::string& resume) {
  if (resume == kAuto) {
    if (resume_last(trainer, folder)) return trainer.state().step;
    log::info("no checkpoint in {}: starting anew", folder.path().string());
  } else if (!resume.empty()) {
    trainer.resume(resume);
    return trainer.state().step;
  }
  trainer.initialise();
  return std::nullopt;
}

/// A run's configuration with every key of today at its default; as it is where it no longer reads.
std::string completed(const std::string& text, const Path& file) {
  try {
    return engine::dump_run_config(engine::parse_run_config(text, file.string()));
  } catch (const ConfigError&) {
    return text;
  }
}

/// What the configuration of a resumed run says otherwise than when it was interrupted.
void warn_of_changes(const engine::RunFolder& folder, const engine::RunConfig& config) {
  const Path file = folder.path() / "config.json";
  if (!std::filesystem::exists(file)) return;
  const auto before = nlohmann::json::parse(completed(read_text_file(file), file), nullptr, false);
  if (before.is_discarded()) return;
  const auto now = nlohmann::json::parse(engine::dump_run_config(config));
  for (const auto& change : nlohmann::json::diff(before, now)) {
    log::warning("resuming with another {} than before", change["path"].get<std::string>());
  }
}

int status_of(engine::Ended ended) {
  switch (ended) {
    case engine::Ended::kDone:
      return 0;
    case engine::Ended::kStopped:
      log::info("stopped by signal {}; --resume goes on from here", stop_signal());
      return 128 + stop_signal();
    case engine::Ended::kTimeLimit:
      log::info("stopped by the time limit; --resume goes on from here");
      return 0;
    case engine::Ended::kDiverged:
      return static_cast<int>(ExitStatus::kCheck);
  }
  throw std::logic_error("unknown end of a run");
}

}  // namespace

int run_train(const TrainOptions& options, const CommonOptions& common,
              const std::vector<std::string>& words) {
  return train(engine::load_run_config(options.config, options.overrides), options, common, words);
}

int train(const engine::RunConfig& config, const TrainOptions& options, const CommonOptions& common,
          const std::vector<std::string>& words) {
  const engine::Existing existing = existing_of(options);
  // Before anything is removed or waited for: whatever is wrong with model and data.
  engine::Trainer trainer(config, {.device = inference::parse_device(common.device),
                                   .workers = common.workers,
                                   .time_limit = options.time_limit,
                                   .auto_accumulate = options.auto_accumulate});
  const engine::RunFolder folder(folder_of(config, options), existing);
  log::open_file(folder.path() / "log.txt");
  install_stop_handler();
  const std::optional<std::int64_t> resumed = begin(trainer, folder, options.resume);
  if (resumed) warn_of_changes(folder, config);
  folder.write_config(engine::dump_run_config(config));
  folder.add_start(words, common.device, resumed);
  const engine::Ended ended = trainer.run(folder);
  if (common.json) {
    const nlohmann::ordered_json document = {{"schema_version", 1},
                                             {"folder", folder.path().string()},
                                             {"finished", ended == engine::Ended::kDone},
                                             {"step", trainer.state().step},
                                             {"skipped", trainer.state().skipped},
                                             {"weights", trainer.weights_hash()}};
    fmt::print("{}\n", document.dump(2));
  }
  return status_of(ended);
}

}  // namespace referent::app
