// SPDX-License-Identifier: Apache-2.0
#include "e2e/processes.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "referent/core/error.h"
#include "referent/core/hash.h"
#include "support/listener.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

/// The events of a TensorBoard file with the eight bytes of time in each left out, and the
/// checksums that depend on them.
std::string without_times(const std::string& bytes) {
  constexpr std::size_t kHead = 12, kTimeAt = 1, kTail = 4;
  std::string events;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t size = 0;
    std::memcpy(&size, bytes.data() + at, sizeof size);
    std::string event = bytes.substr(at + kHead, size);
    events += event.erase(kTimeAt, sizeof(double)) + '\n';
    at += kHead + size + kTail;
  }
  return events;
}

std::unique_ptr<Process> start_one(const ProcessStart& one, const ProcessOptions& options) {
  if (one.address_space == 0) return std::make_unique<Process>(program(), one.words, options);
  Words words{"-c", fmt::format("ulimit -v {}; exec \"$@\"", one.address_space), "sh", program()};
  words.insert(words.end(), one.words.begin(), one.words.end());
  return std::make_unique<Process>("/bin/sh", words, options);
}

}  // namespace

Processes::Processes(int count, const std::function<ProcessStart(int rank)>& start) {
  const int port = free_port();
  for (int rank = 0; rank < count; ++rank) {
    ProcessStart one = start(rank);
    ProcessOptions options{.environment = {{"OMP_NUM_THREADS", "1"}}, .folder = one.folder};
    if (count > 1) {
      options.environment.insert(options.environment.end(),
                                 {{"RANK", std::to_string(rank)},
                                  {"WORLD_SIZE", std::to_string(count)},
                                  {"LOCAL_RANK", std::to_string(rank)},
                                  {"MASTER_ADDR", "127.0.0.1"},
                                  {"MASTER_PORT", std::to_string(port)}});
    }
    std::ranges::move(one.environment, std::back_inserter(options.environment));
    processes_.push_back(start_one(one, options));
  }
}

Processes::Processes(int count, const Words& words)
    : Processes(count, [&](int) { return ProcessStart{words}; }) {}

void Processes::send(int signal) const {
  for (const auto& process : processes_) process->send(signal);
}

std::vector<ProcessResult> Processes::wait() {
  std::vector<ProcessResult> results;
  for (const auto& process : processes_) results.push_back(process->wait());
  return results;
}

double Processes::wait_from_the_first() {
  const auto ended = [](const auto& process) { return !process->running(); };
  while (std::ranges::none_of(processes_, ended)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const auto first = std::chrono::steady_clock::now();
  for (const auto& process : processes_) process->wait();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - first).count();
}

void PrintTo(const Outcome& outcome, std::ostream* stream) {
  *stream << "weights " << outcome.weights << "\nmetrics.jsonl:\n"
          << outcome.lines << "metrics.csv with hash "
          << xxh3_64(std::as_bytes(std::span(outcome.csv))) << ", events with hash "
          << xxh3_64(std::as_bytes(std::span(outcome.events))) << '\n';
}

Words StatefulTraining::train(const std::string& name, const Words& more) const {
  Words words{"train", tiny_.config(), "--out", run(name), "--json", "--workers", "1"};
  for (const char* value :
       {"train.epochs=3", "train.ema.decay=0.9", "train.loss_scaling.initial=16",
        "train.loss_scaling.growth_steps=5", "train.early_stopping.patience=5",
        "train.schedule.type=cosine", "train.accumulation=2", "train.save_every_steps=4"}) {
    words.insert(words.end(), {"--set", value});
  }
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Outcome StatefulTraining::finish(const std::string& name, int count, const Words& more) const {
  const auto results = Processes(count, train(name, more)).wait();
  EXPECT_THAT(results, ::testing::Each(ExitsWith(0))) << name;
  const Path folder = run(name);
  return {document(results.front()).value("weights", "none"),
          read_text_file(folder / "metrics.jsonl"), read_text_file(folder / "metrics.csv"),
          without_times(read_text_file(folder / "tensorboard" / "events.out.tfevents.referent"))};
}

std::ptrdiff_t StatefulTraining::steps_so_far(const std::string& name) const {
  std::ifstream stream(run(name) / "timing.jsonl");
  return std::count(std::istreambuf_iterator<char>(stream), {}, '\n');
}

Words unfinished(const Path& folder) {
  Words names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".tmp") names.push_back(entry.path().filename());
  }
  return names;
}

Variables faults(const Path& folder, const Variables& more) {
  Variables variables{{"LD_PRELOAD", REFERENT_FAULTS}, {"FAULT_FOLDER", folder}};
  variables.insert(variables.end(), more.begin(), more.end());
  return variables;
}

std::vector<Call> calls_of(const Words& words, const Path& folder) {
  const TemporaryFolder notes;
  const Path list = notes.path() / "calls";
  const auto start = [&](int) {
    return ProcessStart{words, faults(folder, {{"FAULT_LIST", list}})};
  };
  EXPECT_THAT(Processes(1, start).wait().front(), ExitsWith(0));
  std::vector<Call> calls;
  std::ifstream stream(list);
  for (Call call; stream >> call.kind >> call.name;) {
    call.number = static_cast<long>(calls.size()) + 1;
    calls.push_back(call);
  }
  return calls;
}

}  // namespace referent::testing
