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
  CLI::Option* image = command->add_option("image", options->image,
                                           "JPEG, PNG or WebP file, or a folder of such files");
  CLI::Option* expressions =
      command->add_option("expression", options->expressions, "what to look for; one or more");
  command
      ->add_option("--list", options->list,
                   "instead of image and expressions: a file of JSON lines {\"image\", "
                   "\"expression\"}, or - for standard input; what cannot be grounded is told at "
                   "the end, with status 3")
      ->excludes(image)
      ->excludes(expressions);
  command->add_option("--out", options->out,
                      "write the picture with boxes and expressions to this .png or .jpg file; of "
                      "several pictures, each to this folder");
  command->add_flag("--mask", options->mask,
                    "the mask too: drawn, and in the JSON document as COCO's run lengths; needs a "
                    "model with a mask head");
  command->add_option("--dtype", options->dtype, "type that is computed in; float16 on a GPU only")
      ->check(CLI::IsMember({"float32", "float64", "bfloat16", "float16"}))
      ->capture_default_str();
  show_examples(*command,
                {"referent ground runs/mmca-r50-refcoco/best photo.jpg \"the man in red\" \"left "
                 "dog\" --out found.png",
                 "referent ground runs/mmca-r50-refcoco/best photos \"the man in red\" --out found",
                 "referent ground runs/mmca-r50-refcoco/best --list questions.jsonl --json"});
}

}  // namespace referent::tools
