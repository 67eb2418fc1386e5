// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "referent/config/traits.h"
#include "referent/core/error.h"

namespace referent::config {

template <typename T>
nlohmann::ordered_json to_json(const T& value);

namespace detail {

/// A path as the reader takes it: "${" that is meant literally is written "$${".
std::string write_path(const std::filesystem::path& path);

class Writer {
 public:
  template <typename T>
  void field(const char* name, const T& member, const char* /*doc*/,
             const Constraint& /*constraint*/ = {}) {
    object_[name] = to_json(member);
  }

  nlohmann::ordered_json take() { return std::move(object_); }

 private:
  nlohmann::ordered_json object_ = nlohmann::ordered_json::object();
};

}  // namespace detail

/// A field's value as JSON; an optional that holds nothing is null.
template <typename T>
nlohmann::ordered_json to_json(const T& value) {
  using Json = nlohmann::ordered_json;
  if constexpr (Structure<T>) {
    T copy = value;  // visit() serves readers too and is not const
    detail::Writer writer;
    copy.visit(writer);
    return writer.take();
  } else if constexpr (Optional<T>) {
    return value ? to_json(*value) : Json(nullptr);
  } else if constexpr (List<T> || FixedList<T>) {
    Json array = Json::array();
    for (const auto& element : value) array.push_back(to_json(element));
    return array;
  } else if constexpr (Dictionary<T>) {
    Json object = Json::object();
    for (const auto& [key, element] : value) object[key] = to_json(element);
    return object;
  } else if constexpr (Enumeration<T>) {
    const char* name = name_of(value);
    REFERENT_CHECK(name != nullptr, "enumerator {} has no name", static_cast<long long>(value));
    return name;
  } else if constexpr (FilePath<T>) {
    return detail::write_path(value);
  } else {
    return value;
  }
}

/// The whole configuration, every field in visit order; an optional that holds nothing is null, for
/// what is left out is taken from a default or a preset. Reading it back gives an equal
/// configuration, provided that its paths are absolute or empty, as the reader leaves them.
template <Structure T>
nlohmann::ordered_json dump(const T& configuration) {
  return to_json(configuration);
}

}  // namespace referent::config
