// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <memory>
#include <optional>

#include "choice.h"
#include "referent/app/options.h"

namespace referent::tools {

/// Reads the command line. Help and usage errors are printed here: then there is nothing to run,
/// and `status` is what the process returns.
std::optional<app::CommandLine> parse_command_line(int argc, char** argv, int& status);

/// The program's commands and options; what a parse reads goes to `line` and `version`, which must
/// outlive it.
std::unique_ptr<CLI::App> make_command_line(app::CommandLine& line, bool& version);

// One function a subcommand: adds it to `root`; when the command line names it, `into.options`
// becomes its options.
void add_train(CLI::App& root, app::CommandLine& into);
void add_eval(CLI::App& root, app::CommandLine& into);
void add_ground(CLI::App& root, app::CommandLine& into);
void add_import(CLI::App& root, app::CommandLine& into);
void add_export(CLI::App& root, app::CommandLine& into);
void add_checkpoint(CLI::App& root, app::CommandLine& into);
void add_config(CLI::App& root, app::CommandLine& into);
void add_data(CLI::App& root, app::CommandLine& into);
void add_parity(CLI::App& root, app::CommandLine& into);
void add_bench(CLI::App& root, app::CommandLine& into);
void add_tokenizer(CLI::App& root, app::CommandLine& into);
void add_demo(CLI::App& root, app::CommandLine& into);
void add_launch(CLI::App& root, app::CommandLine& into);
void add_doctor(CLI::App& root, app::CommandLine& into);
void add_completion(CLI::App& root, app::CommandLine& into);
void add_reference(CLI::App& root, app::CommandLine& into);

/// The commands of `data` that read data sets.
void add_data_files(CLI::App& group, app::CommandLine& into);

/// A subcommand whose options of type T are handed on when it is named.
template <typename T>
CLI::App* add_command(CLI::App& root, app::CommandLine& into, const char* name,
                      const char* description, const std::shared_ptr<T>& options) {
  CLI::App* command = root.add_subcommand(name, description);
  command->callback([&into, options] { into.options = *options; });
  return command;
}

/// Puts these lines under the command's help and into docs/commands.md. A test runs every one of
/// them in a folder that it prepares as the README says.
void show_examples(CLI::App& command, std::initializer_list<const char*> lines);

/// The commands that need no LibTorch.
int run_version(const app::CommonOptions& common);
int run_config(const app::ConfigOptions& options, const app::CommonOptions& common);
int run_inspect(const app::InspectOptions& options, const app::CommonOptions& common);
int run_diff(const app::DiffOptions& options, const app::CommonOptions& common);
int run_verify(const app::VerifyOptions& options, const app::CommonOptions& common);
int run_launch(app::LaunchOptions options, const app::CommonOptions& common);
int run_completion(const app::CompletionOptions& options);
int run_reference();

}  // namespace referent::tools
