// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

namespace referent::tools {

void add_ground(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::GroundOptions>();
  CLI::App* command = add_command(
      root, into, "ground",
      "find what expressions mean in a picture. A photo with an EXIF orientation is turned upright "
      "first; boxes and masks are in pixels of the upright picture",
      options);
  command->add_option("checkpoint", options->checkpoint, "native checkpoint")->required();
  command->add_option("image", options->image, "JPEG, PNG or WebP file")->required();
  command->add_option("expression", options->expressions, "what to look for; one or more")
      ->required();
  command->add_option("--out", options->out,
                      "write the picture with box and expression to this .png or .jpg file");
  command->add_flag("--mask", options->mask,
                    "the mask too: drawn, and in the JSON document as COCO's run lengths; needs a "
                    "model with a mask head");
}

}  // namespace referent::tools
