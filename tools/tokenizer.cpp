// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

namespace referent::tools {

void add_tokenizer(CLI::App& root, app::CommandLine& into) {
  CLI::App* group = root.add_subcommand("tokenizer", "make tokenizers");
  group->require_subcommand(1);
  const auto options = std::make_shared<app::TrainTokenizerOptions>();
  CLI::App* command = add_command(*group, into, "train",
                                  "train a sentencepiece model on expressions, for "
                                  "model.text_encoder.tokenizer",
                                  options);
  command
      ->add_option("--data", options->data,
                   "expressions of a data set, FORMAT:PATH[:SPLIT], e.g. "
                   "refer:data/refcoco@unc:train; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--text", options->texts, "or of a file, one a line; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option("--size", options->size,
                   "most pieces, [PAD], [UNK], [CLS] and [SEP] included; few texts give fewer")
      ->check(CLI::Range(8, 1 << 20))
      ->capture_default_str();
  add_choice(*command, "--type", options->type, "how pieces are found");
  command->add_option("--out", options->out, "model file to write")->required();
  show_examples(*command, {"referent tokenizer train --data refer:datasets/refcoco@unc:train "
                           "--size 4000 --out refcoco.model"});
}

}  // namespace referent::tools
