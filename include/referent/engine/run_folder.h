// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "referent/core/file.h"

namespace referent::engine {

/// What to do about a run folder that is there already.
enum class Existing {
  kRefuse,
  kResume,     ///< go on in it
  kOverwrite,  ///< remove what a run writes, and only that
};

/// The folder of a run: config.json, run.json, log.txt, the recorder's files, checkpoints/ with
/// step-NNNNNNNN.safetensors, and the links `last` and `best` to two of them.
class RunFolder {
 public:
  /// Creates `folder` where it is not there. Throws ConfigError when it is, is not empty and is to
  /// be refused; FileError.
  RunFolder(Path folder, Existing existing);

  const Path& path() const { return path_; }

  /// The resolved configuration, for people and for a repetition.
  void write_config(const std::string& json) const;

  /// Adds a start of the program to run.json: command line, versions, device, time, and the step it
  /// resumed from.
  void add_start(const std::vector<std::string>& command_line, const std::string& device,
                 std::optional<std::int64_t> resumed_step) const;

  /// Leaves requeue.json, {"command_line"}: what goes on with a run that was interrupted, for a
  /// cluster's scripts. A start removes it.
  void write_requeue(std::vector<std::string> command_line) const;

  Path checkpoint(std::int64_t step) const;
  /// The steps that have a checkpoint, from the first.
  std::vector<std::int64_t> checkpoint_steps() const;

  /// Which checkpoints stay besides the best.
  struct Keep {
    std::int64_t last = 2;         ///< so many from the end
    std::int64_t every_steps = 0;  ///< those of multiples of so many steps; 0: none
  };
  /// After the checkpoint of `step` was written: points `last` to it and `best` to that of `best`,
  /// and removes what is not to be kept.
  void publish(std::int64_t step, std::optional<std::int64_t> best, const Keep& keep) const;

  /// Before a run goes on from `step`: removes the checkpoints after it, which the run will write
  /// again, and what a killed run left unfinished.
  void discard_after(std::int64_t step) const;

 private:
  void link(const char* name, std::int64_t step) const;

  Path path_;
};

}  // namespace referent::engine
