// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

namespace referent::tools {

void add_train(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::TrainOptions>();
  CLI::App* command =
      add_command(root, into, "train", "train a model from a configuration", options);
  command->add_option("config", options->config, "configuration file (JSON)")->required();
  command->add_option("--set", options->overrides, "a.b=c: change a value of the configuration")
      ->allow_extra_args(false);
  command->add_option("--out", options->out, "run folder; default runs/<name>");
  command
      ->add_option("--resume", options->resume,
                   "go on from the run folder's last checkpoint, or from the file given")
      ->expected(0, 1)
      ->default_str("auto");
  command->add_flag("--overwrite", options->overwrite, "replace an existing run folder");
}

}  // namespace referent::tools
