// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>

#include "referent/config/traits.h"
#include "referent/config/writer.h"

namespace referent::config {

/// The JSON Schema of values of type T under `constraint`, which holds for the elements of
/// optionals, lists and maps.
template <typename T>
nlohmann::ordered_json type_schema(const Constraint& constraint = {});

/// What a type's schema allows, in words: "an integer in [1, 64]", "\"released\" or \"paper\"".
std::string legal_values(const nlohmann::ordered_json& type_schema);

namespace detail {

nlohmann::ordered_json number_schema(const char* type, const Constraint& constraint);
nlohmann::ordered_json text_schema(const Constraint& constraint);

class SchemaVisitor {
 public:
  template <typename T>
  void field(const char* name, const T& member, const char* doc,
             const Constraint& constraint = {}) {
    nlohmann::ordered_json schema = type_schema<T>(constraint);
    schema["description"] = doc;
    if constexpr (!Structure<T>) {
      if (!constraint.required) schema["default"] = to_json(member);
    }
    if (constraint.required) required_.push_back(name);
    properties_[name] = std::move(schema);
  }

  nlohmann::ordered_json take() {
    nlohmann::ordered_json schema{{"type", "object"},
                                  {"properties", std::move(properties_)},
                                  {"additionalProperties", false}};
    if (!required_.empty()) schema["required"] = std::move(required_);
    return schema;
  }

 private:
  nlohmann::ordered_json properties_ = nlohmann::ordered_json::object();
  nlohmann::ordered_json required_ = nlohmann::ordered_json::array();
};

/// Adds the schema dialect, the title, and the key "extends" that files understand.
nlohmann::ordered_json finish_schema(nlohmann::ordered_json schema, const std::string& title);

template <Integer T>
Constraint integer_bounds(Constraint constraint) {
  // Bounds of 64 bits say nothing to a reader.
  if (sizeof(T) < sizeof(std::int64_t)) {
    constraint.minimum =
        std::max(constraint.minimum, static_cast<double>(std::numeric_limits<T>::min()));
    constraint.maximum =
        std::min(constraint.maximum, static_cast<double>(std::numeric_limits<T>::max()));
  }
  if (std::unsigned_integral<T>) constraint.minimum = std::max(constraint.minimum, 0.0);
  return constraint;
}

}  // namespace detail

template <typename T>
nlohmann::ordered_json type_schema(const Constraint& constraint) {
  using Json = nlohmann::ordered_json;
  if constexpr (Structure<T>) {
    T defaults{};
    detail::SchemaVisitor visitor;
    defaults.visit(visitor);
    return visitor.take();
  } else if constexpr (Optional<T>) {
    return {{"anyOf", {type_schema<typename T::value_type>(constraint), Json{{"type", "null"}}}}};
  } else if constexpr (List<T>) {
    return {{"type", "array"}, {"items", type_schema<typename T::value_type>(constraint)}};
  } else if constexpr (FixedList<T>) {
    return {{"type", "array"},
            {"items", type_schema<typename T::value_type>(constraint)},
            {"minItems", std::tuple_size_v<T>},
            {"maxItems", std::tuple_size_v<T>}};
  } else if constexpr (Dictionary<T>) {
    return {{"type", "object"},
            {"additionalProperties", type_schema<typename T::mapped_type>(constraint)}};
  } else if constexpr (Enumeration<T>) {
    Constraint names;
    names.choices = enum_names<T>();
    return detail::text_schema(names);
  } else if constexpr (Boolean<T>) {
    return {{"type", "boolean"}};
  } else if constexpr (Integer<T>) {
    return detail::number_schema("integer", detail::integer_bounds<T>(constraint));
  } else if constexpr (Real<T>) {
    return detail::number_schema("number", constraint);
  } else if constexpr (FilePath<T>) {
    return {{"type", "string"}, {"format", "path"}};
  } else {
    static_assert(Text<T>, "not a type that a configuration field can have");
    return detail::text_schema(constraint);
  }
}

/// JSON Schema (draft 2020-12) of the files that parse<T>() accepts, with documentation, defaults,
/// bounds and legal names; unknown keys are not allowed. Values from "extends" count, so editors
/// should not insist on `required` in a derived file.
template <Structure T>
nlohmann::ordered_json schema(const std::string& title) {
  return detail::finish_schema(type_schema<T>(), title);
}

}  // namespace referent::config
