// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

namespace referent::tools {

void add_parity(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::ParityOptions>();
  CLI::App* command = add_command(
      root, into, "parity", "compare with golden outputs of the released implementations", options);
  command->add_option("folder", options->folder, "folder of goldens, or one case")->required();
  command->add_option("--only", options->only, "run cases whose name holds this");
  command->add_flag("--failures", options->failures, "print failing outputs only");
}

}  // namespace referent::tools
