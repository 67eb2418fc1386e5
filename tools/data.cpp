// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

namespace referent::tools {
namespace {

void add_synthesize(CLI::App& group, app::CommandLine& into) {
  const auto options = std::make_shared<app::SynthesizeOptions>();
  CLI::App* command = add_command(
      group, into, "synthesize",
      "scenes of coloured shapes with expressions of which half need a relation", options);
  command->add_option("out", options->out, "folder to make")->required();
  command->add_option("--train", options->train_count, "training scenes")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  command->add_option("--val", options->val_count, "held-out scenes")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  command->add_option("--size", options->scenes.size, "side of a picture [pixels]")
      ->check(CLI::Range(64, 1024))
      ->capture_default_str();
  command->add_option("--seed", options->scenes.seed, "decides everything")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  show_examples(*command, {"referent data synthesize shapes --train 200 --val 50 --size 128"});
}

}  // namespace

void add_data(CLI::App& root, app::CommandLine& into) {
  CLI::App* group = root.add_subcommand("data", "make, check, convert and describe data sets");
  group->require_subcommand(1);
  add_synthesize(*group, into);
  add_data_files(*group, into);
}

}  // namespace referent::tools
