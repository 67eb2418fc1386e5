// SPDX-License-Identifier: Apache-2.0
#include "referent/config/document.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "referent/config/json.h"
#include "referent/core/error.h"

namespace referent::config {
namespace {

using Json = nlohmann::json;

constexpr const char* kExtends = "extends";
constexpr std::size_t kLongestChain = 16;

/// "a.b.0" or "/a/b/0" as its elements.
std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> elements;
  if (path.starts_with('/')) {
    Json::json_pointer pointer{std::string(path)};
    for (; !pointer.empty(); pointer.pop_back()) elements.push_back(pointer.back());
    std::reverse(elements.begin(), elements.end());
    return elements;
  }
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    elements.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return elements;
}

Json json_or_string(std::string_view text) {
  try {
    return parse_json(text, "--set");
  } catch (const ConfigError&) {
    return std::string(text);
  }
}

/// The element of `array` that `element` names; throws ConfigError.
std::size_t array_index(const Json& array, const std::string& element, const std::string& pointer,
                        std::string_view assignment) {
  std::size_t index = 0;
  const char* end = element.data() + element.size();
  const auto [stop, error] = std::from_chars(element.data(), end, index);
  if (error != std::errc{} || stop != end || index >= array.size()) {
    throw ConfigError("--set {}: \"{}\" has {} elements; \"{}\" is not the index of one",
                      excerpt(assignment), pointer, array.size(), element);
  }
  return index;
}

Json read_object(std::string_view text, const std::string& name) {
  Json root = parse_json(text, name);
  if (!root.is_object()) {
    throw ConfigError("{}: at \"\": expected an object {{...}}, saw {}", name, excerpt(root));
  }
  return root;
}

struct Layer {
  Json values;
  Origin origin;
};

/// The file and what it extends, derived files first.
std::vector<Layer> read_chain(const Path& file) {
  std::vector<Layer> layers;
  std::vector<Path> seen;
  Path next = file;
  while (!next.empty()) {
    const std::string name = next.string();
    std::error_code unresolved;  // then reading it fails with a better message
    const Path identity = std::filesystem::weakly_canonical(next, unresolved);
    if (std::find(seen.begin(), seen.end(), identity) != seen.end()) {
      throw ConfigError("{}: at \"/extends\": the files extend each other in a circle back to {}",
                        layers.back().origin.name, name);
    }
    if (seen.size() == kLongestChain) {
      throw ConfigError("{}: at \"/extends\": more than {} files extend each other",
                        layers.back().origin.name, kLongestChain);
    }
    seen.push_back(identity);
    std::string text;
    try {
      text = read_text_file(next, kLargestJson);
    } catch (const DataError& error) {
      if (layers.empty()) throw ConfigError("{}", error.what());
      throw ConfigError("{}: at \"/extends\": {}", layers.back().origin.name, error.what());
    }
    Json values = read_object(text, name);
    Path base;
    if (const auto extends = values.find(kExtends); extends != values.end()) {
      if (!extends->is_string() || extends->get_ref<const std::string&>().empty()) {
        throw ConfigError("{}: at \"/extends\": expected the path of a configuration, saw {}", name,
                          excerpt(*extends));
      }
      base = next.parent_path() / extends->get<std::string>();
      values.erase(extends);
    }
    layers.push_back({std::move(values), {name, next.parent_path()}});
    next = base;
  }
  return layers;
}

void collect(const nlohmann::ordered_json& value, const std::string& pointer,
             const Document& document, std::vector<Setting>& result) {
  if (value.is_structured() && !value.empty()) {
    std::size_t index = 0;
    for (const auto& [key, child] : value.items()) {
      collect(child,
              value.is_array() ? child_pointer(pointer, index++) : child_pointer(pointer, key),
              document, result);
    }
    return;
  }
  const Origin* origin = document.origin(pointer);
  result.push_back({pointer, value, origin != nullptr ? origin->name : "default"});
}

}  // namespace

Document::Document(nlohmann::json root, const Origin& origin) : root_(std::move(root)) {
  mark_all("", root_, add_origin(origin));
}

const Origin* Document::origin(const std::string& pointer) const {
  return root_.contains(Json::json_pointer(pointer)) ? &nearest_origin(pointer) : nullptr;
}

const Origin& Document::nearest_origin(std::string pointer) const {
  auto place = places_.find(pointer);
  while (place == places_.end()) {
    pointer.erase(pointer.rfind('/'));
    place = places_.find(pointer);
  }
  return origins_[place->second];
}

std::size_t Document::add_origin(const Origin& origin) {
  origins_.push_back(origin);
  return origins_.size() - 1;
}

void Document::mark(const std::string& pointer, std::size_t origin) {
  places_[pointer] = origin;
}

void Document::mark_all(const std::string& pointer, const nlohmann::json& value,
                        std::size_t origin) {
  // What was known of the places below no longer holds.
  const std::string below = pointer + "/";
  auto first = places_.lower_bound(below);
  while (first != places_.end() && first->first.starts_with(below)) first = places_.erase(first);
  mark(pointer, origin);
  if (!value.is_object()) return;
  for (const auto& [key, child] : value.items())
    mark_all(child_pointer(pointer, key), child, origin);
}

void Document::write(const std::string& pointer, nlohmann::json& target,
                     const nlohmann::json& values, std::size_t origin) {
  if (!target.is_object() || !values.is_object()) {
    target = values;
    mark_all(pointer, values, origin);
    return;
  }
  mark(pointer, origin);
  for (const auto& [key, value] : values.items()) {
    write(child_pointer(pointer, key), target[key], value, origin);
  }
}

void Document::merge(const nlohmann::json& values, const Origin& origin) {
  write("", root_, values, add_origin(origin));
}

void Document::fill_in(const std::string& pointer, nlohmann::json& target,
                       const nlohmann::json& values, std::size_t origin) {
  for (const auto& [key, value] : values.items()) {
    const std::string place = child_pointer(pointer, key);
    const auto found = target.find(key);
    if (found == target.end()) {
      target[key] = value;
      mark_all(place, value, origin);
    } else if (found->is_object() && value.is_object()) {
      fill_in(place, *found, value, origin);
    }
  }
}

void Document::fill(const std::string& pointer, const nlohmann::json& values,
                    const Origin& origin) {
  const Json::json_pointer place(pointer);
  if (!root_.contains(place) || !root_[place].is_object() || !values.is_object()) {
    throw ConfigError("{}: at \"{}\": expected an object to complete from {}",
                      nearest_origin(pointer).name, pointer, origin.name);
  }
  fill_in(pointer, root_[place], values, add_origin(origin));
}

void Document::set(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  const std::string text(assignment);
  if (!is_utf8(text) || equals == std::string_view::npos || equals == 0) {
    throw ConfigError("--set {}: expected key=value in UTF-8, such as train.batch_size=16",
                      is_utf8(text) ? excerpt(assignment) : excerpt(Json(text)));
  }
  std::vector<std::string> elements;
  try {
    elements = split_path(assignment.substr(0, equals));
  } catch (const Json::parse_error&) {
    throw ConfigError("--set {}: the part before = is not a JSON pointer", excerpt(assignment));
  }
  const bool incomplete = std::find(elements.begin(), elements.end(), "") != elements.end();
  if (incomplete || elements.size() > kDeepestJson || elements.front() == kExtends) {
    throw ConfigError("--set {}: \"{}\" names no key that can be set", excerpt(assignment),
                      excerpt(assignment.substr(0, equals)));
  }

  const std::size_t origin = add_origin({"--set", std::filesystem::current_path()});
  Json* target = &root_;
  std::string pointer;
  for (const std::string& element : elements) {
    if (target->is_null()) {
      *target = Json::object();
      mark(pointer, origin);
    }
    if (!target->is_structured()) {
      throw ConfigError("--set {}: \"{}\" is {}, which has no \"{}\"", excerpt(assignment), pointer,
                        excerpt(*target), element);
    }
    target = target->is_array() ? &(*target)[array_index(*target, element, pointer, assignment)]
                                : &(*target)[element];
    pointer = child_pointer(pointer, element);
  }
  *target = json_or_string(assignment.substr(equals + 1));
  mark_all(pointer, *target, origin);
}

Document load_document(const Path& file, std::span<const std::string> overrides) {
  std::vector<Layer> layers = read_chain(file);
  Document document(std::move(layers.back().values), layers.back().origin);
  for (auto layer = std::next(layers.rbegin()); layer != layers.rend(); ++layer) {
    document.merge(layer->values, layer->origin);
  }
  for (const std::string& assignment : overrides) document.set(assignment);
  return document;
}

Document parse_document(std::string_view text, const std::string& name, const Path& base_folder) {
  Json root = read_object(text, name);
  if (root.contains(kExtends)) {
    throw ConfigError("{}: at \"/extends\": only a configuration file can extend another", name);
  }
  return Document(std::move(root), {name, base_folder});
}

std::vector<Setting> settings(const nlohmann::ordered_json& resolved, const Document& document) {
  std::vector<Setting> result;
  collect(resolved, "", document, result);
  return result;
}

}  // namespace referent::config
