// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

#include <fmt/ranges.h>

#include "referent/config/nearest.h"
#include "referent/core/error.h"

namespace referent::tools {
namespace {

constexpr const char* kDescription =
    "Referent grounds phrases: a picture and an expression go in, the box of what the expression "
    "means comes out.";
constexpr const char* kFooter =
    "Exit status: 0 done, 1 internal error, 2 usage or configuration, 3 input data, 4 checkpoint, "
    "5 device or memory, 6 file system, 7 another process, 8 a check failed, 128+n signal n.";

void add_common(CLI::App& root, app::CommonOptions& common) {
  root.add_option("--device", common.device, "cpu, cuda or cuda:<i>")->capture_default_str();
  root.add_option("--threads", common.threads, "compute threads; 0: LibTorch's choice")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  root.add_option("--workers", common.workers, "loader threads; 0: load between steps")
      ->check(CLI::Range(0, 256))
      ->default_str("half the processors, at most 8");
  add_choice(root, "--weights", common.weights,
             "of checkpoints with averages of the weights: ema, which are the averages, or raw");
  root.add_flag("--json", common.json, "one JSON document on standard output");
  root.add_flag("-q,--quiet", common.quiet, "warnings and errors only, no progress");
  root.add_flag("-v,--verbose", common.verbose, "debug messages too");
}

/// " Did you mean \"eval\"?" for the first word that nothing takes and something resembles.
std::string hint(const CLI::App& root) {
  std::vector<std::string> commands;
  std::vector<std::string> options;
  for (const CLI::App* level = &root; level != nullptr;) {
    commands.clear();  // only the innermost command's own commands could have been meant
    for (const CLI::App* command : level->get_subcommands({})) {
      commands.push_back(command->get_name());
    }
    for (const CLI::Option* option : level->get_options()) {
      for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
    }
    const auto chosen = level->get_subcommands();
    level = chosen.empty() ? nullptr : chosen.front();
  }
  for (const std::string& word : root.remaining(/*recurse=*/true)) {
    const std::string name = word.substr(0, word.find('='));
    const auto nearest = config::nearest(name, name.starts_with('-') ? options : commands);
    if (nearest) return fmt::format(" Did you mean \"{}\"?", *nearest);
  }
  return {};
}

}  // namespace

std::unique_ptr<CLI::App> make_command_line(app::CommandLine& line, bool& version) {
  auto app = std::make_unique<CLI::App>(kDescription, "referent");
  CLI::App& root = *app;
  root.footer(kFooter);
  root.fallthrough();
  root.require_subcommand(0, 1);
  root.add_flag("--version", version, "version of the program and of its libraries");
  add_common(root, line.common);
  for (const auto add : {add_train, add_eval, add_ground, add_import, add_export, add_checkpoint,
                         add_data, add_tokenizer, add_config, add_parity, add_bench, add_demo,
                         add_launch, add_doctor, add_completion, add_reference}) {
    add(root, line);
  }
  // Options of the program may stand after the command, its nested commands included.
  for (CLI::App* command : root.get_subcommands({})) {
    command->fallthrough();
    for (CLI::App* nested : command->get_subcommands({})) nested->fallthrough();
  }
  return app;
}

void show_examples(CLI::App& command, std::initializer_list<const char*> lines) {
  command.footer(fmt::format("Examples:\n  {}", fmt::join(lines, "\n  ")));
}

std::optional<app::CommandLine> parse_command_line(int argc, char** argv, int& status) {
  app::CommandLine line;
  line.words.assign(argv, argv + argc);
  bool version = false;
  const std::unique_ptr<CLI::App> app = make_command_line(line, version);
  CLI::App& root = *app;
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& help) {
    status = root.exit(help);
    return std::nullopt;
  } catch (const CLI::ParseError& failure) {
    fmt::print(stderr, "error: {}{}\nTry {} --help.\n", failure.what(), hint(root),
               root.get_name());
    status = static_cast<int>(ExitStatus::kUsage);
    return std::nullopt;
  }
  if (!version && root.get_subcommands().empty()) {
    fmt::print("{}", root.help());
    status = static_cast<int>(ExitStatus::kUsage);
    return std::nullopt;
  }
  return line;
}

}  // namespace referent::tools
