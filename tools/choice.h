// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "referent/config/traits.h"

namespace referent::tools {

/// A value out of a list: help shows "{a,b}", and a wrong one is told with the one it may have
/// meant.
CLI::Validator choice(std::vector<std::string> names);

/// The values that an option is limited to by choice(); empty: any.
std::vector<std::string> choices_of(const CLI::Option& option);

/// The value of a name that choice() has let through.
template <config::Enumeration Enum>
Enum chosen(const std::string& given) {
  Enum value{};
  for (const auto& [one, text] : config::EnumNames<Enum>::kNames) {
    if (given == text) value = one;
  }
  return value;
}

/// An option, or with a name without dashes an argument, that takes the names of an enum.
template <config::Enumeration Enum>
CLI::Option* add_choice(CLI::App& command, const char* name, Enum& value, const char* description) {
  std::string current;
  for (const auto& [one, text] : config::EnumNames<Enum>::kNames) {
    if (one == value) current = text;
  }
  return command
      .add_option_function<std::string>(
          name, [&value](const std::string& given) { value = chosen<Enum>(given); }, description)
      ->check(choice(config::enum_names<Enum>()))
      ->default_str(current);
}

/// An option that takes such a name each time it is given.
template <config::Enumeration Enum>
CLI::Option* add_choices(CLI::App& command, const char* name, std::vector<Enum>& values,
                         const char* description) {
  return command
      .add_option_function<std::vector<std::string>>(
          name,
          [&values](const std::vector<std::string>& given) {
            for (const std::string& one : given) values.push_back(chosen<Enum>(one));
          },
          description)
      ->check(choice(config::enum_names<Enum>()))
      ->allow_extra_args(false);
}

}  // namespace referent::tools
