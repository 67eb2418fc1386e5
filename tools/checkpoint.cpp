// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"
#include "referent/checkpoint/inspect.h"

namespace referent::tools {

void add_checkpoint(CLI::App& root, app::CommandLine& into) {
  CLI::App* group = root.add_subcommand("checkpoint", "look into files of weights");
  group->require_subcommand(1);
  const auto options = std::make_shared<app::InspectOptions>();
  CLI::App* inspect = add_command(*group, into, "inspect",
                                  "what a native, safetensors or .pth file holds", options);
  inspect->add_option("file", options->file, "file of weights")->required();
}

int run_inspect(const app::InspectOptions& options, const app::CommonOptions& common) {
  const checkpoint::Inspection inspection = checkpoint::inspect(options.file);
  const bool list = !common.quiet;
  fmt::print("{}\n",
             common.json ? checkpoint::json(inspection) : checkpoint::text(inspection, list));
  return 0;
}

}  // namespace referent::tools
