// SPDX-License-Identifier: Apache-2.0
#include "referent/config/reader.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "referent/config/nearest.h"
#include "referent/core/error.h"

namespace referent::config::detail {
namespace {

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  const auto meant = nearest(word, candidates);
  return meant ? fmt::format("; did you mean \"{}\"?", *meant) : "";
}

}  // namespace

void Problems::add(const std::string& pointer, const std::string& message) {
  lines_.push_back(fmt::format("{}: at \"{}\": {}", document_.nearest_origin(pointer).name,
                               excerpt(std::string_view(pointer)), message));
}

void Problems::unknown_key(const std::string& pointer, const std::string& key,
                           const std::vector<std::string>& known) {
  const std::string meant = suggestion(key, known);
  add(pointer,
      fmt::format("unknown key \"{}\"{}", excerpt(std::string_view(key)),
                  meant.empty() ? fmt::format("; known are {}", fmt::join(known, ", ")) : meant));
}

void Problems::missing(const std::string& pointer, const std::string& legal, const char* doc) {
  add(pointer, fmt::format("missing; expected {}. {}", legal, doc));
}

void Problems::illegal(const std::string& pointer, const nlohmann::json& value,
                       const std::string& legal, const std::vector<std::string>& choices) {
  const std::string meant =
      value.is_string() ? suggestion(value.get_ref<const std::string&>(), choices) : "";
  add(pointer, fmt::format("expected {}, saw {}{}", legal, excerpt(value), meant));
}

void Problems::raise() const {
  if (lines_.empty()) return;
  constexpr std::size_t kMostShown = 50;
  const std::size_t shown = std::min(lines_.size(), kMostShown);
  std::string message = lines_.size() == 1
                            ? "the configuration has a problem:"
                            : fmt::format("the configuration has {} problems:", lines_.size());
  for (std::size_t i = 0; i < shown; ++i) message += "\n  " + lines_[i];
  if (shown < lines_.size()) message += fmt::format("\n  and {} more", lines_.size() - shown);
  throw ConfigError("{}", message);
}

void Reader::report_unknown_keys() {
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      problems_.unknown_key(child_pointer(pointer_, key), key, known_);
    }
  }
}

bool is_integer_within(const nlohmann::json& value, std::int64_t lowest, std::uint64_t highest,
                       const Constraint& constraint) {
  if (!is_number_within(value, constraint) || !value.is_number_integer()) return false;
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= highest;
  return value.get<std::int64_t>() >= lowest;
}

bool is_number_within(const nlohmann::json& value, const Constraint& constraint) {
  if (!value.is_number()) return false;
  const double number = value.get<double>();
  return number >= constraint.minimum && number <= constraint.maximum;
}

}  // namespace referent::config::detail
