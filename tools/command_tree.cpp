// SPDX-License-Identifier: Apache-2.0
#include "command_tree.h"

#include <algorithm>
#include <sstream>

#include "choice.h"
#include "command_line.h"

namespace referent::tools {
namespace {

/// "INT:INT in [0 - 9]" says its kind twice.
std::string plain_type(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t range = type.find(":INT in ");
  return range == std::string::npos ? type.substr(0, type.find(':')) : type.substr(range + 1);
}

Parameter describe(const CLI::Option& option) {
  Parameter parameter;
  for (const std::string& name : option.get_snames()) parameter.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) parameter.names.push_back("--" + name);
  parameter.is_argument = option.get_positional();
  if (parameter.is_argument) parameter.names = {option.get_single_name()};
  parameter.description = option.get_description();
  if (option.get_items_expected_max() > 0) parameter.type = plain_type(option);
  parameter.choices = choices_of(option);
  parameter.default_value = option.get_default_str();
  parameter.required = option.get_required();
  parameter.many = option.get_items_expected_max() > 1;
  return parameter;
}

std::vector<Parameter> filtered(const std::vector<Parameter>& all, bool arguments) {
  std::vector<Parameter> some;
  std::ranges::copy_if(all, std::back_inserter(some), [=](const Parameter& parameter) {
    return parameter.is_argument == arguments;
  });
  return some;
}

/// What show_examples wrote.
std::vector<std::string> examples_of(const CLI::App& app) {
  std::vector<std::string> examples;
  std::istringstream footer(app.get_footer());
  for (std::string line; std::getline(footer, line);) {
    if (line.starts_with("  ")) examples.push_back(line.substr(2));
  }
  return examples;
}

}  // namespace

std::vector<Parameter> Command::options() const {
  return filtered(parameters, false);
}

std::vector<Parameter> Command::arguments() const {
  return filtered(parameters, true);
}

Command describe(const CLI::App& app) {
  Command command{app.get_name(), app.get_description(), {}, {}, examples_of(app)};
  for (const CLI::Option* option : app.get_options()) {
    command.parameters.push_back(describe(*option));
  }
  for (const CLI::App* nested : app.get_subcommands([](const CLI::App*) { return true; })) {
    command.commands.push_back(describe(*nested));
  }
  return command;
}

Command command_tree() {
  app::CommandLine line;
  bool version = false;
  return describe(*make_command_line(line, version));
}

}  // namespace referent::tools
