// SPDX-License-Identifier: Apache-2.0
#include "choice.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "referent/config/nearest.h"

namespace referent::tools {

CLI::Validator choice(std::vector<std::string> names) {
  const std::string description = fmt::format("{{{}}}", fmt::join(names, ","));
  return {[names = std::move(names)](const std::string& given) -> std::string {
            if (std::ranges::find(names, given) != names.end()) return {};
            const auto nearest = config::nearest(given, names);
            return fmt::format("\"{}\" is none of {}{}", given, fmt::join(names, ", "),
                               nearest ? fmt::format(". Did you mean \"{}\"?", *nearest) : "");
          },
          description};
}

std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

}  // namespace referent::tools
