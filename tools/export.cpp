// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

namespace referent::tools {

void add_export(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::ExportOptions>();
  CLI::App* command = add_command(
      root, into, "export",
      "write a checkpoint's weights as safetensors, or its model as TorchScript", options);
  command->add_option("checkpoint", options->checkpoint, "native checkpoint")->required();
  add_choice(
      *command, "--format", options->format,
      "safetensors, or torchscript: a file that torch.jit.load of Python or C++ runs, on the "
      "CPU, without this program; forward(images, image_padding, tokens, token_padding) takes "
      "one sample");
  add_choice(*command, "--names", options->names,
             "native, or released: the names that the released code loads");
  command->add_option("--out", options->out, "file to write")->required();
  show_examples(
      *command,
      {"referent export mmca.safetensors --names released --out mmca_released.safetensors",
       "referent export mmca.safetensors --format torchscript --out mmca.pt"});
}

}  // namespace referent::tools
