// SPDX-License-Identifier: Apache-2.0
// A process of a group under test: `worker SCENARIO [ARGUMENT...]` with torchrun's variables set,
// or `worker launch N SCENARIO [ARGUMENT...]`, which starts N of itself.
#include "worker.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

#include "referent/core/error.h"
#include "referent/distributed/launcher.h"

namespace referent::testing {
namespace {

using distributed::DistributedConfig;
using distributed::Environment;
using distributed::ProcessGroup;

using Scenario = void (*)(ProcessGroup&, const std::vector<std::string>&);

const std::map<std::string, Scenario> kScenarios{
    {"exchange", exchange}, {"agree", agree},
    {"loop", loop},         {"gradients", gradients},
    {"cost", cost},         {"failing-backward", failing_backward},
    {"train", train},       {"train-full-size", train_full_size}};

DistributedConfig config() {
  DistributedConfig config;
  const auto seconds = [](const char* name, double fallback) {
    const auto text = distributed::process_variable(name);
    return text ? std::stod(*text) : fallback;
  };
  config.timeout = seconds("TEST_TIMEOUT", 20);
  config.connect_timeout = seconds("TEST_CONNECT_TIMEOUT", 20);
  return config;
}

/// As the program does: what leaves the training is told to the others first.
void run(const std::vector<std::string>& words) {
  const Environment environment = distributed::read_environment();
  ProcessGroup group(environment, config(), torch::kCPU);
  try {
    kScenarios.at(words.front())(group, {words.begin() + 1, words.end()});
  } catch (const std::exception& error) {
    group.report(error.what());
    throw;
  }
}

}  // namespace

void note(const std::string& folder, int rank) {
  const std::string name = fmt::format("{}/ready-{}", folder, rank);
  std::ofstream(name + ".new") << ::getpid();
  std::filesystem::rename(name + ".new", name);
}

}  // namespace referent::testing

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.front() == "launch") {
      return referent::distributed::launch(
          {.processes = std::stoi(words.at(1)), .command = {words.begin() + 2, words.end()}});
    }
    referent::testing::run(words);
    return 0;
  } catch (const referent::Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    fmt::print(stderr, "internal error: {}\n", error.what());
    return static_cast<int>(referent::ExitStatus::kInternal);
  }
}
