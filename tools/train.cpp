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
  command
      ->add_option("--time-limit", options->time_limit,
                   "seconds, or as 90m, 12h, 2d: then training saves and ends")
      ->transform(CLI::AsNumberWithUnit(
          std::map<std::string, double>{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}},
          CLI::AsNumberWithUnit::CASE_INSENSITIVE));
  command->add_flag("--auto-accumulate", options->auto_accumulate,
                    "where memory does not suffice, compute a batch in more and smaller pieces");
  command->add_option("--profile", options->profile,
                      "write the timeline of one step, the third, to this file, for "
                      "chrome://tracing, and print what takes longest; several processes write one "
                      "each, named trace-rank1.json for trace.json");
  command->add_flag("--overwrite", options->overwrite, "replace an existing run folder");
  show_examples(*command, {"referent train configs/mmca-r50-refcoco.json",
                           "referent train configs/mmca-r50-refcoco.json --resume"});
}

}  // namespace referent::tools
