// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"
#include "referent/core/error.h"

namespace referent::tools {

void add_launch(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::LaunchOptions>();
  CLI::App* command =
      add_command(root, into, "launch", "run a command in several processes", options);
  command->add_option("-n,--processes", options->processes, "processes on this host")
      ->check(CLI::Range(1, 4096))
      ->required();
  command->add_option("--nodes", options->nodes, "hosts; each runs this command")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--node-rank", options->node_rank, "number of this host, from 0")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->add_option("--master", options->master,
                      "HOST:PORT: host 0 and a free port there; default: this host, a port found");
  command
      ->add_option("command", options->command,
                   "after --: a command of referent with its options, such as train config.json")
      ->required();
  show_examples(*command, {"referent launch -n 2 -- eval runs/mmca-r50-refcoco/best"});
}

int run_launch(app::LaunchOptions options, const app::CommonOptions& common) {
  const app::CommonOptions defaults;
  if (common.device != defaults.device || common.workers != defaults.workers || common.json) {
    throw ConfigError("--device, --workers and --json belong to the command: put them after --");
  }
  options.threads = common.threads;
  return distributed::launch(options);
}

}  // namespace referent::tools
