// SPDX-License-Identifier: Apache-2.0
#include "group.h"

#include <fstream>

namespace referent::testing {

Variables place(int rank, int size, int port) {
  return {{"RANK", std::to_string(rank)},
          {"LOCAL_RANK", std::to_string(rank)},
          {"WORLD_SIZE", std::to_string(size)},
          {"LOCAL_WORLD_SIZE", std::to_string(size)},
          {"MASTER_ADDR", "127.0.0.1"},
          {"MASTER_PORT", std::to_string(port)},
          {"OMP_NUM_THREADS", "1"}};
}

std::unique_ptr<Process> start_worker(const Words& words, const Variables& variables,
                                      std::chrono::seconds limit) {
  ProcessOptions options{.limit = limit};
  options.environment.assign(variables.begin(), variables.end());
  return std::make_unique<Process>(REFERENT_WORKER, words, options);
}

Group::Group(int size, const Words& words, const Variables& more, std::chrono::seconds limit) {
  for (int rank = 0; rank < size; ++rank) {
    Variables variables = place(rank, size, port_);
    for (const auto& [name, value] : more) variables[name] = value;
    processes_.push_back(start_worker(words, variables, limit));
  }
}

std::vector<ProcessResult> Group::wait() {
  std::vector<ProcessResult> results;
  for (const auto& process : processes_) results.push_back(process->wait());
  return results;
}

bool wait_until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::vector<int> wait_for_notes(const std::filesystem::path& folder, int size) {
  std::vector<int> processes;
  for (int rank = 0; rank < size; ++rank) {
    const auto file = folder / ("ready-" + std::to_string(rank));
    EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(file); })) << file;
    int process = 0;
    std::ifstream(file) >> process;
    processes.push_back(process);
  }
  return processes;
}

bool is_gone(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return true;
  return line.substr(line.rfind(')') + 2, 1) == "Z";
}

void PrintTo(const ProcessResult& result, std::ostream* stream) {
  *stream << "status " << result.status << ", signal " << result.signal
          << (result.timed_out ? ", out of time" : "") << "\n"
          << result.out << result.err;
}

}  // namespace referent::testing
