// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/config.h"
#include "command_line.h"
#include "referent/config/docs.h"
#include "referent/config/schema.h"
#include "referent/config/writer.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/engine/run_document.h"

namespace referent::tools {
namespace {

using app::ConfigAction;

void show(const app::ConfigOptions& options) {
  const engine::RunConfig config =
      engine::load_run_config(options.files.front(), options.overrides);
  if (!options.origin) {
    fmt::print("{}\n", config::dump(config).dump(2));
    return;
  }
  const config::Document document =
      engine::load_run_document(options.files.front(), options.overrides);
  for (const config::Setting& setting : config::settings(config::dump(config), document)) {
    fmt::print("{} = {}  ({})\n", setting.pointer, setting.value.dump(), setting.origin);
  }
}

/// What is wrong with a file; empty when nothing is.
std::string fault_of(const app::Path& file, const std::vector<std::string>& overrides) {
  try {
    engine::load_run_config(file, overrides);
    return {};
  } catch (const ConfigError& error) {
    return error.what();
  }
}

/// Looks at every file, whatever is wrong with those before it.
int check(const app::ConfigOptions& options, const app::CommonOptions& common) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  bool sound = true;
  for (const app::Path& file : options.files) {
    const std::string fault = fault_of(file, options.overrides);
    sound = sound && fault.empty();
    if (!fault.empty()) log::error("{}", fault);
    if (fault.empty() && !common.quiet && !common.json) fmt::print("{}: sound\n", file.string());
    files.push_back({{"file", file.string()}, {"sound", fault.empty()}, {"message", fault}});
  }
  if (common.json) {
    const nlohmann::ordered_json document{{"schema_version", 1}, {"files", std::move(files)}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return static_cast<int>(sound ? ExitStatus::kOk : ExitStatus::kUsage);
}

}  // namespace

void add_config(CLI::App& root, app::CommandLine& into) {
  CLI::App* group = root.add_subcommand("config", "read, check and document configurations");
  group->require_subcommand(1);
  const auto add = [&](const char* name, const char* description, ConfigAction action) {
    const auto options = std::make_shared<app::ConfigOptions>();
    options->action = action;
    return std::pair{add_command(*group, into, name, description, options), options};
  };
  const auto [show_command, show_options] =
      add("show", "the resolved configuration", ConfigAction::kShow);
  show_command->add_option("file", show_options->files, "configuration file")
      ->required()
      ->expected(1);
  show_command->add_option("--set", show_options->overrides, "a.b=c: change a value")
      ->allow_extra_args(false);
  show_command->add_flag("--origin", show_options->origin, "say where each value was written");
  show_examples(*show_command,
                {"referent config show configs/mmca-r50-refcoco.json --origin",
                 "referent config show configs/mmca-r50-refcoco.json --set train.batch_size=16"});
  const auto [check_command, check_options] =
      add("check", "report everything wrong with configurations", ConfigAction::kCheck);
  check_command->add_option("files", check_options->files, "configuration files")->required();
  check_command->add_option("--set", check_options->overrides, "a.b=c: change a value")
      ->allow_extra_args(false);
  show_examples(*check_command, {"referent config check configs/mmca-r50-refcoco.json"});
  add("schema", "JSON Schema of configurations", ConfigAction::kSchema);
  add("docs", "a Markdown table of all options", ConfigAction::kDocs);
}

int run_config(const app::ConfigOptions& options, const app::CommonOptions& common) {
  switch (options.action) {
    case ConfigAction::kShow:
      show(options);
      break;
    case ConfigAction::kCheck:
      return check(options, common);
    case ConfigAction::kSchema:
      fmt::print("{}\n", config::schema<engine::RunConfig>("Referent run").dump(2));
      break;
    case ConfigAction::kDocs:
      fmt::print("{}", config::docs<engine::RunConfig>());
      break;
  }
  return 0;
}

}  // namespace referent::tools
