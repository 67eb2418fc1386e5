// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"
#include "referent/checkpoint/diff.h"
#include "referent/checkpoint/inspect.h"
#include "referent/checkpoint/verify.h"
#include "referent/core/error.h"

namespace referent::tools {

void add_checkpoint(CLI::App& root, app::CommandLine& into) {
  CLI::App* group = root.add_subcommand("checkpoint", "look into files of weights");
  group->require_subcommand(1);
  const auto options = std::make_shared<app::InspectOptions>();
  CLI::App* inspect = add_command(*group, into, "inspect",
                                  "what a native, safetensors or .pth file holds", options);
  inspect->add_option("file", options->file, "file of weights")->required();
  show_examples(*inspect, {"referent checkpoint inspect mmca_refcoco.pth"});

  const auto pair = std::make_shared<app::DiffOptions>();
  CLI::App* diff = add_command(*group, into, "diff",
                               "which tensors of two files of weights differ in name, type, shape "
                               "or values, and by how much; status 8 where any does",
                               pair);
  diff->add_option("a", pair->a, "file of weights")->required();
  diff->add_option("b", pair->b, "another one")->required();
  diff->add_option("--tolerance", pair->tolerance, "differences up to this are none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  show_examples(*diff, {"referent checkpoint diff mmca.safetensors runs/mmca-r50-refcoco/best"});

  const auto files = std::make_shared<app::VerifyOptions>();
  CLI::App* verify =
      add_command(*group, into, "verify",
                  "read all of these files: hashes of native checkpoints, structure, "
                  "elements that are not finite; status 8 where one is faulty, 4 "
                  "where one cannot be read",
                  files);
  verify->add_option("file", files->files, "files of weights")->required();
  show_examples(*verify, {"referent checkpoint verify runs/mmca-r50-refcoco/checkpoints/*"});
}

int run_inspect(const app::InspectOptions& options, const app::CommonOptions& common) {
  const checkpoint::Inspection inspection = checkpoint::inspect(options.file);
  const bool list = !common.quiet;
  fmt::print("{}\n",
             common.json ? checkpoint::json(inspection) : checkpoint::text(inspection, list));
  return 0;
}

int run_diff(const app::DiffOptions& options, const app::CommonOptions& common) {
  const checkpoint::Diff diff = checkpoint::diff(options.a, options.b, options.tolerance);
  fmt::print("{}", common.json ? checkpoint::json(diff) + "\n" : checkpoint::text(diff));
  return static_cast<int>(diff.equal() ? ExitStatus::kOk : ExitStatus::kCheck);
}

int run_verify(const app::VerifyOptions& options, const app::CommonOptions& common) {
  std::vector<checkpoint::Verification> files;
  files.reserve(options.files.size());
  for (const app::Path& file : options.files) files.push_back(checkpoint::verify(file));
  fmt::print("{}", common.json ? checkpoint::json(files) + "\n" : checkpoint::text(files));
  ExitStatus status = ExitStatus::kOk;
  for (const checkpoint::Verification& file : files) {
    if (!file.readable) return static_cast<int>(ExitStatus::kCheckpoint);
    if (!file.sound()) status = ExitStatus::kCheck;
  }
  return static_cast<int>(status);
}

}  // namespace referent::tools
