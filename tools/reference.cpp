// SPDX-License-Identifier: Apache-2.0
#include "reference.h"

#include <fmt/ranges.h>

#include <cctype>

#include "command_line.h"

namespace referent::tools {
namespace {

std::string upper(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

/// Text that may stand in a table cell.
std::string cell(const std::string& text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '|') result += '\\';
    // An angle bracket would begin an element.
    if (letter == '<') result += '\\';
    result += letter;
  }
  return result;
}

/// A description as help has it, with a capital and a full stop.
std::string sentence(const std::string& text) {
  return upper(text.substr(0, 1)) + text.substr(1) + ".";
}

std::string value_cell(const Parameter& parameter) {
  if (!parameter.choices.empty()) {
    return fmt::format("`{}`", fmt::join(parameter.choices, "`, `"));
  }
  return cell(parameter.type);
}

std::string default_cell(const Parameter& parameter) {
  if (parameter.required) return "(required)";
  return cell(parameter.default_value);
}

std::string usage(const std::string& path, const Command& command) {
  std::string line = path;
  if (!command.commands.empty()) line += " COMMAND";
  for (const Parameter& argument : command.arguments()) {
    const std::string name = upper(argument.names.front()) + (argument.many ? "..." : "");
    line += argument.required ? fmt::format(" {}", name) : fmt::format(" [{}]", name);
  }
  return line + " [options]";
}

void append_table(const std::vector<Parameter>& parameters, std::string& page) {
  // Every command has --help.
  if (parameters.size() < 2) return;
  page += "| argument or option | value | default | meaning |\n|---|---|---|---|\n";
  for (const Parameter& parameter : parameters) {
    if (parameter.names.back() == "--help") continue;
    page +=
        fmt::format("| `{}` | {} | {} | {} |\n", fmt::join(parameter.names, "`, `"),
                    value_cell(parameter), default_cell(parameter), cell(parameter.description));
  }
  page += '\n';
}

void append_command(const std::string& outer, const Command& command, std::string& page) {
  const std::string path = outer + " " + command.name;
  if (command.commands.empty()) {
    page += fmt::format("## {}\n\n{}\n\n```\n{}\n```\n\n", path, sentence(command.description),
                        usage(path, command));
    append_table(command.parameters, page);
    if (!command.examples.empty()) {
      page += fmt::format("```sh\n{}\n```\n\n", fmt::join(command.examples, "\n"));
    }
  }
  for (const Command& nested : command.commands) append_command(path, nested, page);
}

}  // namespace

std::string reference_page(const Command& root) {
  std::string page = "## Options of every command\n\n";
  append_table(root.parameters, page);
  for (const Command& command : root.commands) append_command(root.name, command, page);
  page.pop_back();  // the last empty line
  return page;
}

void add_reference(CLI::App& root, app::CommandLine& into) {
  add_command(root, into, "reference", "print every command and option as Markdown",
              std::make_shared<app::ReferenceOptions>());
}

int run_reference() {
  fmt::print("{}", reference_page(command_tree()));
  return 0;
}

}  // namespace referent::tools
