// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

namespace referent::tools {

void add_eval(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::EvalOptions>();
  CLI::App* command =
      add_command(root, into, "eval",
                  "measure Prec@0.5 to 0.9 and mean IoU of boxes, and of masks where the model has "
                  "them",
                  options);
  CLI::Option* checkpoint =
      command->add_option("checkpoint", options->checkpoint, "native checkpoint");
  command
      ->add_option("--data", options->data,
                   "a name from the checkpoint's data.eval, or FORMAT:PATH[:SPLIT], e.g. "
                   "refer:data/refcoco@unc:val; may be repeated; default: all of data.eval")
      ->allow_extra_args(false);
  command->add_option("--images", options->images, "folder of the images of --data");
  command
      ->add_option_function<std::string>(
          "--missing",
          [options](const std::string& value) {
            options->missing =
                value == "skip" ? data::MissingImages::kSkip : data::MissingImages::kError;
            options->missing_given = true;
          },
          "error or skip: what to do about images that are not there; skipped ones are counted")
      ->check(choice(config::enum_names<data::MissingImages>()));
  command->add_option("--batch-size", options->batch_size, "samples of a forward pass")
      ->check(CLI::Range(1, 65536));
  command->add_option("--dtype", options->dtype, "type that is computed in; float16 on a GPU only")
      ->check(CLI::IsMember({"float32", "float64", "bfloat16", "float16"}))
      ->capture_default_str();
  command->add_flag("--exchange-expressions", options->exchange_expressions,
                    "give every picture another one's expression: the score of a model that looks "
                    "but does not listen");
  command
      ->add_option("--predictions", options->predictions,
                   "score this file of JSON lines, as --save-predictions writes it, instead of a "
                   "checkpoint")
      ->excludes(checkpoint);
  command->add_option("--compare", options->compare,
                      "another checkpoint, which is given the same data, or a file of predictions: "
                      "differences with their intervals and tests, sample by sample");
  command->add_flag("--intervals", options->intervals,
                    "95 % bootstrap intervals of Prec@0.5 and mean IoU, whole pictures drawn");
  command->add_flag("--breakdown", options->breakdown,
                    "Prec@0.5 and mean IoU by length of the expression, size of the box, words "
                    "that say where, and objects of the same class where the data tell (REFER)");
  command->add_option("--save-predictions", options->save_predictions,
                      "write a JSON line per sample to this file");
  command->add_option("--sheet", options->sheet,
                      "draw the best and the worst samples, found and meant box, on one .png or "
                      ".jpg");
  command
      ->add_option("--sheet-count", options->sheet_count, "how many of the best and of the worst")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  show_examples(
      *command,
      {"referent eval runs/mmca-r50-refcoco/best",
       "referent eval runs/mmca-r50-refcoco/best --intervals --breakdown --sheet "
       "best-and-worst.png",
       "referent eval runs/mmca-r50-refcoco/best --compare runs/transvg-r50-refcoco/best"});
}

}  // namespace referent::tools
