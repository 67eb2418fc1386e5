// SPDX-License-Identifier: Apache-2.0
// Slurm's short forms of lists.
#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "referent/core/error.h"
#include "referent/distributed/environment.h"

namespace referent::distributed {
namespace {

constexpr std::size_t kMostHosts = 1 << 20;

[[noreturn]] void refuse(const std::string& list) {
  throw ConfigError("the host list \"{}\" is not of Slurm's form, as in gpu[01-03,7],login", list);
}

/// The parts of `text` between commas outside brackets.
std::vector<std::string_view> split(std::string_view text, const std::string& list) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c == '[') ++depth;
    if (c == ']') --depth;
    if (depth < 0 || depth > 1 || (i == text.size() && depth != 0)) refuse(list);
    if (c != ',' || depth != 0) continue;
    if (i == begin) refuse(list);
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return parts;
}

int whole_number(std::string_view digits, const std::string& list) {
  int number = -1;
  const auto [stop, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (fault != std::errc() || stop != digits.data() + digits.size() || number < 0) refuse(list);
  return number;
}

/// "01-03" to 01, 02, 03; "7" to 7.
std::vector<std::string> numbers(std::string_view range, const std::string& list) {
  const std::size_t dash = range.find('-');
  const std::string_view low = range.substr(0, dash);
  const int first = whole_number(low, list);
  const int last =
      dash == std::string_view::npos ? first : whole_number(range.substr(dash + 1), list);
  if (last < first || static_cast<std::size_t>(last - first) >= kMostHosts) refuse(list);
  std::vector<std::string> all;
  for (int n = first; n <= last; ++n) all.push_back(fmt::format("{:0{}}", n, low.size()));
  return all;
}

/// Every host of one part, whose first bracket (there may be more) is opened here.
void expand(const std::string& head, std::string_view rest, const std::string& list,
            std::vector<std::string>& hosts) {
  const std::size_t open = rest.find('[');
  if (open == std::string_view::npos) {
    if (hosts.size() >= kMostHosts) refuse(list);
    hosts.push_back(head + std::string(rest));
    return;
  }
  const std::size_t close = rest.find(']', open);
  std::string before = head;
  before += rest.substr(0, open);
  for (const std::string_view range : split(rest.substr(open + 1, close - open - 1), list)) {
    for (const std::string& number : numbers(range, list)) {
      expand(before + number, rest.substr(close + 1), list, hosts);
    }
  }
}

}  // namespace

std::vector<std::string> expand_host_list(const std::string& list) {
  std::vector<std::string> hosts;
  for (const std::string_view part : split(list, list)) expand("", part, list, hosts);
  return hosts;
}

std::optional<int> tasks_of_node(const std::string& list, int node) {
  for (const std::string_view part : split(list, list)) {
    const std::size_t open = part.find("(x");
    const int tasks = whole_number(part.substr(0, open), list);
    if (open != std::string_view::npos && part.back() != ')') refuse(list);
    node -= open == std::string_view::npos
                ? 1
                : whole_number(part.substr(open + 2, part.size() - open - 3), list);
    if (node < 0) return tasks;
  }
  return std::nullopt;
}

}  // namespace referent::distributed
