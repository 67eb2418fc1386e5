// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "e2e/program.h"

namespace referent::testing {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// How one process of a group is started.
struct ProcessStart {
  Words words;
  Variables environment = {};  ///< beside what makes it one of the group
  Path folder = {};            ///< to start in; empty: this process's
  long address_space = 0;      ///< the most it may have [kB]; 0: no limit
};

/// Processes of the program in one group, started as a cluster's tools start them; on its own where
/// there is one.
class Processes {
 public:
  Processes(int count, const std::function<ProcessStart(int rank)>& start);
  Processes(int count, const Words& words);

  Process& operator[](int rank) { return *processes_[static_cast<std::size_t>(rank)]; }
  void send(int signal) const;
  bool running() { return processes_.front()->running(); }
  std::vector<ProcessResult> wait();
  /// Waits until the first has ended, then for the others. How long those took [s].
  double wait_from_the_first();

 private:
  std::vector<std::unique_ptr<Process>> processes_;
};

/// What a run leaves that must not depend on interruptions.
struct Outcome {
  std::string weights, lines, csv;
  std::string events;  ///< without their times
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* stream);

/// Trainings of the tiny run with everything that has a state: averages, a scaled loss, a schedule,
/// patience, pieces of batches.
class StatefulTraining : public ::testing::Test {
 protected:
  Path run(const std::string& name) const { return folder_.path() / name; }

  /// `train` into the folder of that name, three epochs of ten steps, a checkpoint every 4 steps.
  Words train(const std::string& name, const Words& more = {}) const;

  /// Waits for the end of a run on `count` processes, which must be a good one, and looks at what
  /// it left.
  Outcome finish(const std::string& name, int count, const Words& more = {}) const;

  /// Lines of timing.jsonl, which has one for every step.
  std::ptrdiff_t steps_so_far(const std::string& name) const;

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

/// Names in a folder that end with ".tmp".
Words unfinished(const Path& folder);

/// A call of the program that changes a file, as support/faults.cpp counts them.
struct Call {
  long number = 0;
  std::string kind, name;
};

/// Lets support/faults.cpp look at the files of `folder`; `more` says what it does.
Variables faults(const Path& folder, const Variables& more);

/// The calls of a process that ends well.
std::vector<Call> calls_of(const Words& words, const Path& folder);

}  // namespace referent::testing
