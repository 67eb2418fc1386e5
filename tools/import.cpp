// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"
#include "referent/checkpoint/name_map.h"
#include "referent/engine/config.h"

namespace referent::tools {

void add_import(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::ImportOptions>();
  CLI::App* command = add_command(root, into, "import",
                                  "make a native checkpoint of a released one: TransVG, MMCA, "
                                  "VG-LAW, DETR, BERT, ResNet, ViTDet "
                                  "or MAE, as .pth, .bin, .pkl or .safetensors",
                                  options);
  command->add_option("file", options->file, "released checkpoint")->required();
  command
      ->add_option("--from", options->family,
                   "whose file it is; default: told by the names in the file")
      ->check(choice(checkpoint::families()));
  auto* preset = command->add_option("--preset", options->preset, "the model it belongs to")
                     ->check(choice(engine::preset_names()));
  command->add_option("--config", options->config, "or the configuration that describes the model")
      ->excludes(preset);
  command->add_option("--set", options->overrides, "a.b=c: change a value of the configuration")
      ->allow_extra_args(false);
  command->add_option("--out", options->out, "native checkpoint to write")->required();
  show_examples(*command,
                {"referent import mmca_refcoco.pth --preset mmca-r50 --out mmca.safetensors"});
}

}  // namespace referent::tools
