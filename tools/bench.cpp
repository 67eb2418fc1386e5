// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"
#include "referent/engine/config.h"

namespace referent::tools {

void add_bench(CLI::App& root, app::CommandLine& into) {
  CLI::App* group = root.add_subcommand("bench", "time parts of the program");
  group->require_subcommand(1);
  const auto add =
      [&](const char* name, const char* description, app::BenchWhat what,
          std::int64_t batch) -> std::pair<CLI::App*, std::shared_ptr<app::BenchOptions>> {
    const auto options = std::make_shared<app::BenchOptions>();
    options->what = what;
    options->batch_size = batch;
    CLI::App* command = add_command(*group, into, name, description, options);
    const bool computes = what != app::BenchWhat::kLoader && what != app::BenchWhat::kOptimizer;
    if (computes) {
      command->add_option("--dtype", options->dtype, "type that is computed in")
          ->check(what == app::BenchWhat::kTrain ? choice({"float32", "bfloat16"})
                                                 : choice({"float32", "bfloat16", "float16"}))
          ->capture_default_str();
    }
    if (what == app::BenchWhat::kForward || what == app::BenchWhat::kTrain) {
      command->add_option("--profile", options->profile,
                          "write the timeline of one pass to this file, for chrome://tracing, and "
                          "print what takes longest");
    }
    if (what != app::BenchWhat::kOps) {
      command->add_option("--preset", options->preset, "model preset")
          ->check(choice(engine::preset_names()))
          ->capture_default_str();
    }
    command->add_option("--rounds", options->rounds, "timed rounds, after one that is not")
        ->check(CLI::Range(1, 10000))
        ->capture_default_str();
    if (what == app::BenchWhat::kOptimizer) return {command, options};
    command->add_option("--batch", options->batch_size, "samples")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    command
        ->add_option("--image-size", options->image_size,
                     what == app::BenchWhat::kOps
                         ? "side of the square [pixels]; default: 640 for MMCA's, 448 for VG-LAW's"
                         : "side of the square [pixels]; default: the preset's")
        ->check(CLI::Range(32, 4096));
    return {command, options};
  };
  add("ops", "the conditional ops beside plain ATen and beside the released sequence of operators",
      app::BenchWhat::kOps, 1);
  add("forward", "a frozen plan's forward pass beside the model's own", app::BenchWhat::kForward,
      1);
  add("train", "a training step: forward, backward, clipping, AdamW", app::BenchWhat::kTrain, 2);
  add("optimizer", "a step of AdamW with clipping beside LibTorch's own",
      app::BenchWhat::kOptimizer, 1);
  const auto [loader, options] =
      add("loader", "decoding, transforms, collation and the whole loader", app::BenchWhat::kLoader,
          16);
  loader->add_option("--images", options->images,
                     "folder of JPEG files; default: pictures of 640 x 480 made for the occasion");
  loader->add_option("--pictures", options->pictures, "how many of them")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

}  // namespace referent::tools
