// SPDX-License-Identifier: Apache-2.0
#include "choice.h"
#include "command_line.h"

namespace referent::tools {
namespace {

constexpr const char* kDataset =
    "FORMAT:PATH[:SPLIT] with FORMAT jsonl, refer, index or seqtr, e.g. "
    "refer:data/refcoco@unc:val; all splits where none is named; may be repeated";

void add_check(CLI::App& group, app::CommandLine& into) {
  const auto options = std::make_shared<app::DataCheckOptions>();
  CLI::App* command = add_command(
      group, into, "check",
      "count what is wrong with pictures, boxes, expressions and splits; ends with 8 on a fault",
      options);
  command
      ->add_option("data,--data", options->data,
                   std::string(kDataset) + "; or a run's configuration: all of its data")
      ->required();
  command->add_option("--images", options->images, "folder of the images");
  add_choice(*command, "--pictures", options->pictures,
             "decode every picture, find its file only, or ignore pictures");
  add_choices(*command, "--allow", options->allowed,
              "a kind of finding that is a note, not a fault; may be repeated");
  command->add_option("--examples", options->examples, "how many of each finding are shown")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--length", options->length,
                   "most tokens of an expression; default: the configuration's, else 512")
      ->check(CLI::Range(3, 512));
  show_examples(*command,
                {"referent data check configs/mmca-r50-refcoco.json",
                 "referent data check index:datasets/index/unc --pictures ignore --json"});
}

void add_convert(CLI::App& group, app::CommandLine& into) {
  const auto options = std::make_shared<app::DataConvertOptions>();
  CLI::App* command =
      add_command(group, into, "convert",
                  "write annotations in another format; says what it cannot hold", options);
  command->add_option("in", options->source, kDataset)->required();
  add_choice(*command, "--to", options->format, "the format to write")->required()->default_str("");
  command
      ->add_option("--out", options->out,
                   "jsonl, seqtr: a file; refer: a new folder FOLDER@BY; index: "
                   "<family>_<split>.pth, or a folder called unc, unc+, gref, gref_umd, referit or "
                   "flickr")
      ->required();
  command->add_option("--images", options->images,
                      "folder of the images, for sizes that the annotations do not state");
  show_examples(
      *command,
      {"referent data convert \"refer:datasets/refcoco@unc\" --to index --out out/unc",
       "referent data convert index:datasets/index/referit --to jsonl --out referit.jsonl"});
}

void add_stats(CLI::App& group, app::CommandLine& into) {
  const auto options = std::make_shared<app::DataStatsOptions>();
  CLI::App* command = add_command(
      group, into, "stats",
      "images, expressions, their lengths, sizes of boxes, spatial words, objects of one class",
      options);
  command->add_option("data,--data", options->data, kDataset)->required();
  command->add_option("--images", options->images,
                      "folder of the images, for sizes that the annotations do not state");
  show_examples(*command,
                {"referent data stats \"refer:datasets/refcoco@unc\" --images datasets/train2014"});
}

}  // namespace

void add_data_files(CLI::App& group, app::CommandLine& into) {
  add_check(group, into);
  add_convert(group, into);
  add_stats(group, into);
}

}  // namespace referent::tools
