// SPDX-License-Identifier: Apache-2.0
#include "referent/config/schema.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <utility>

namespace referent::config {
namespace {

using Json = nlohmann::ordered_json;

/// An integral bound without its decimal point, so that it reads as people write it.
Json bound(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value == std::floor(value) && std::abs(value) <= kExact) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

std::string number_phrase(const Json& schema, const std::string& noun) {
  const bool below = schema.contains("minimum");
  const bool above = schema.contains("maximum");
  if (below && above) {
    return fmt::format("{} in [{}, {}]", noun, schema["minimum"].dump(), schema["maximum"].dump());
  }
  if (below) return fmt::format("{} >= {}", noun, schema["minimum"].dump());
  if (above) return fmt::format("{} <= {}", noun, schema["maximum"].dump());
  return noun;
}

std::string choice_phrase(const Json& names) {
  std::string phrase;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) phrase += i + 1 == names.size() ? " or " : ", ";
    phrase += names[i].dump();
  }
  return phrase;
}

std::string array_phrase(const Json& schema) {
  const std::string items = legal_values(schema["items"]);
  if (schema.contains("minItems")) {
    return fmt::format("an array of {}, each {}", schema["minItems"].dump(), items);
  }
  return fmt::format("an array, each element {}", items);
}

}  // namespace

std::string legal_values(const nlohmann::ordered_json& type_schema) {
  if (type_schema.contains("anyOf")) return legal_values(type_schema["anyOf"][0]) + ", or null";
  const auto& type = type_schema.at("type").get_ref<const std::string&>();
  if (type == "boolean") return "true or false";
  if (type == "integer") return number_phrase(type_schema, "an integer");
  if (type == "number") return number_phrase(type_schema, "a number");
  if (type == "array") return array_phrase(type_schema);
  if (type_schema.contains("enum")) return choice_phrase(type_schema["enum"]);
  if (type_schema.contains("format")) return "a path (a string)";
  if (type == "string") return "a string";
  const auto values = type_schema.find("additionalProperties");
  if (values != type_schema.end() && values->is_object()) {
    return "an object, each value " + legal_values(*values);
  }
  return "an object {...}";
}

namespace detail {

nlohmann::ordered_json number_schema(const char* type, const Constraint& constraint) {
  Json schema{{"type", type}};
  if (std::isfinite(constraint.minimum)) schema["minimum"] = bound(constraint.minimum);
  if (std::isfinite(constraint.maximum)) schema["maximum"] = bound(constraint.maximum);
  return schema;
}

nlohmann::ordered_json text_schema(const Constraint& constraint) {
  Json schema{{"type", "string"}};
  if (!constraint.choices.empty()) schema["enum"] = constraint.choices;
  return schema;
}

nlohmann::ordered_json finish_schema(nlohmann::ordered_json schema, const std::string& title) {
  Json result{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", title}};
  Json properties{
      {"extends",
       {{"type", "string"},
        {"description",
         "A configuration, relative to this file, that this one is laid over: objects merge key "
         "by key, everything else replaces."}}}};
  properties.update(schema["properties"]);
  schema["properties"] = std::move(properties);
  result.update(schema);
  return result;
}

}  // namespace detail
}  // namespace referent::config
