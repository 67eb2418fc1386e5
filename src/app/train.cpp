// SPDX-License-Identifier: Apache-2.0
#include "train.h"

#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>

#include "processes.h"
#include "referent/app/commands.h"
#include "referent/checkpoint/checkpoint.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/core/signal.h"
#include "referent/engine/trainer.h"

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

/// Goes on from the last sound checkpoint of the folder and returns it; nothing when there is none
/// at all. A checkpoint that a crash or the disk spoilt makes way for the one before it.
std::optional<Path> resume_last(engine::Trainer& trainer, const engine::RunFolder& folder) {
  const std::vector<std::int64_t> steps = folder.checkpoint_steps();
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    try {
      trainer.resume(folder.checkpoint(*step));
      return folder.checkpoint(*step);
    } catch (const CheckpointError& error) {
      if (std::next(step) == steps.rend()) throw;
      log::warning("{}; trying the checkpoint before it", error.what());
    }
  }
  return std::nullopt;
}

/// The checkpoint that training goes on from; nothing for a new run.
std::optional<Path> begin(engine::Trainer& trainer, const engine::RunFolder& folder,
                          const std::string& resume) {
  if (resume == kAuto) {
    if (auto last = resume_last(trainer, folder)) return last;
    log::info("no checkpoint in {}: starting anew", folder.path().string());
  } else if (!resume.empty()) {
    trainer.resume(resume);
    return resume;
  }
  trainer.initialise();
  return std::nullopt;
}

/// Ranks other than 0 begin as rank 0 did, with the same files.
void begin_as(engine::Trainer& trainer, const std::string& checkpoint) {
  if (checkpoint.empty()) {
    trainer.initialise();
  } else {
    trainer.resume(checkpoint);
  }
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

/// "cpu", or of several processes "cpu on 4 processes".
std::string device_list(const std::string& device, const distributed::ProcessGroup* group) {
  return group == nullptr ? device : fmt::format("{} on {} processes", device, group->size());
}

/// Of several processes each writes a file of its own: trace.json becomes trace-rank1.json.
std::optional<Path> timeline_of(const std::optional<Path>& file,
                                const distributed::ProcessGroup* group) {
  if (!file || group == nullptr) return file;
  const std::string name =
      fmt::format("{}-rank{}{}", file->stem().string(), group->rank(), file->extension().string());
  return file->parent_path() / name;
}

engine::Ended run_as_first(engine::Trainer& trainer, const engine::RunConfig& config,
                           const TrainOptions& options, const CommonOptions& common,
                           const std::vector<std::string>& words,
                           distributed::ProcessGroup* group) {
  const engine::RunFolder folder(folder_of(config, options), existing_of(options));
  log::open_file(folder.path() / "log.txt");
  const std::optional<Path> from = begin(trainer, folder, options.resume);
  if (group != nullptr) group->all_gather(from ? std::filesystem::absolute(*from).string() : "");
  if (from) warn_of_changes(folder, config);
  folder.write_config(engine::dump_run_config(config));
  folder.add_start(words, device_list(common.device, group),
                   from ? std::optional(trainer.state().step) : std::nullopt);
  const engine::Ended ended = trainer.run(&folder);
  if (ended == engine::Ended::kStopped || ended == engine::Ended::kTimeLimit) {
    folder.write_requeue(words);
  }
  if (common.json) {
    const nlohmann::ordered_json document = {{"schema_version", 1},
                                             {"folder", folder.path().string()},
                                             {"finished", ended == engine::Ended::kDone},
                                             {"step", trainer.state().step},
                                             {"skipped", trainer.state().skipped},
                                             {"weights", trainer.weights_hash()}};
    fmt::print("{}\n", document.dump(2));
  }
  return ended;
}

engine::Ended run(const engine::RunConfig& config, const TrainOptions& options,
                  const CommonOptions& common, const std::vector<std::string>& words,
                  const Processes& processes) {
  distributed::ProcessGroup* group = processes.group.get();
  // Before anything is removed or waited for: whatever is wrong with model and data.
  engine::Trainer trainer(config, {.device = processes.device,
                                   .group = group,
                                   .workers = common.workers,
                                   .time_limit = options.time_limit,
                                   .auto_accumulate = options.auto_accumulate,
                                   .profile = timeline_of(options.profile, group)});
  install_stop_handler();
  if (processes.first()) {
    return run_as_first(trainer, config, options, common, words, group);
  }
  begin_as(trainer, group->all_gather("").front());
  return trainer.run(nullptr);
}

}  // namespace

int run_train(const TrainOptions& options, const CommonOptions& common,
              const std::vector<std::string>& words) {
  return train(engine::load_run_config(options.config, options.overrides), options, common, words);
}

int train(const engine::RunConfig& config, const TrainOptions& options, const CommonOptions& common,
          const std::vector<std::string>& words) {
  existing_of(options);
  const Processes processes = join_processes(common.device, config.train.distributed);
  return telling_others(processes,
                        [&] { return status_of(run(config, options, common, words, processes)); });
}

}  // namespace referent::app
