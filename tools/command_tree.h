// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace referent::tools {

/// What a command takes: an option ("--out", "-q") or an argument ("file").
struct Parameter {
  std::vector<std::string> names;  ///< of an argument: one, without dashes
  std::string description;
  std::string type;  ///< what CLI11 calls its value, e.g. "TEXT", "INT in [0 - 9]"; empty: a flag
  std::vector<std::string> choices;  ///< the values it is limited to; empty: any
  std::string default_value;
  bool is_argument = false;
  bool required = false;
  bool many = false;  ///< takes more than one value
};

/// A command as help describes it, the program itself being the outermost.
struct Command {
  std::string name;
  std::string description;
  std::vector<Parameter> parameters;
  std::vector<Command> commands;
  std::vector<std::string> examples;  ///< lines that call it

  std::vector<Parameter> options() const;
  std::vector<Parameter> arguments() const;
};

Command describe(const CLI::App& app);

/// The program's whole command line.
Command command_tree();

}  // namespace referent::tools
