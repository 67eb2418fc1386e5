// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

namespace referent::tools {

void add_export(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::ExportOptions>();
  CLI::App* command = add_command(
      root, into, "export",
      "write a checkpoint's weights as safetensors, or its model as TorchScript", options);
  command->add_option("checkpoint", options->checkpoint, "native checkpoint")->required();
  const std::map<std::string, app::ExportFormat> formats{
      {"safetensors", app::ExportFormat::kSafetensors},
      {"torchscript", app::ExportFormat::kTorchScript}};
  command
      ->add_option("--format", options->format,
                   "safetensors, or torchscript: a file that torch.jit.load of Python or C++ runs, "
                   "on the CPU, without this program; forward(images, image_padding, tokens, "
                   "token_padding) takes one sample")
      ->transform(CLI::CheckedTransformer(formats))
      ->default_str("safetensors");
  const std::map<std::string, app::Names> choices{{"native", app::Names::kNative},
                                                  {"released", app::Names::kReleased}};
  command
      ->add_option("--names", options->names,
                   "native, or released: the names that the released code loads")
      ->transform(CLI::CheckedTransformer(choices))
      ->default_str("native");
  command->add_option("--out", options->out, "file to write")->required();
}

}  // namespace referent::tools
