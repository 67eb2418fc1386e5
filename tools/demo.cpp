// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

namespace referent::tools {

void add_demo(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::DemoOptions>();
  CLI::App* command = add_command(
      root, into, "demo",
      "synthesize scenes, train MMCA (or VG-LAW) on them, evaluate, and ground held-out scenes",
      options);
  command->add_option("--out", options->out, "folder to make")->capture_default_str();
  command->add_option("--config", options->config,
                      "configuration; default configs/demo.json, with --masks "
                      "configs/demo-masks.json");
  command->add_flag("--masks", options->masks,
                    "train VG-LAW, which finds masks beside boxes; its run and pictures stand "
                    "beside the others in the same folder");
  command->add_option("--seed", options->seed, "decides data and training")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

}  // namespace referent::tools
