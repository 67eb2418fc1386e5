// SPDX-License-Identifier: Apache-2.0
#include "referent/config/docs.h"

#include <fmt/format.h>

#include <algorithm>

#include "referent/config/json.h"

namespace referent::config {
namespace {

using Json = nlohmann::ordered_json;

/// Text that may stand in a table cell.
std::string cell(const std::string& text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '|') result += '\\';
    result += letter == '\n' ? ' ' : letter;
  }
  return result;
}

std::string default_cell(const Json& schema, bool required) {
  if (required) return "(required)";
  const auto value = schema.find("default");
  if (value == schema.end() || value->is_null()) return "";
  return fmt::format("`{}`", cell(value->dump()));
}

void append_members(const Json& schema, const std::string& pointer, std::string& table);

void append_option(const Json& schema, const std::string& pointer, bool required,
                   std::string& table) {
  table += fmt::format("| `{}` | {} | {} | {} |\n", cell(pointer), default_cell(schema, required),
                       cell(legal_values(schema)), cell(schema.value("description", "")));
  append_members(schema, pointer, table);
}

/// The options inside a value: of a struct, or of a struct in an optional, an array or a map.
void append_members(const Json& schema, const std::string& pointer, std::string& table) {
  if (schema.contains("anyOf")) return append_members(schema["anyOf"][0], pointer, table);
  if (schema.contains("items")) return append_members(schema["items"], pointer + "/*", table);
  if (!schema.contains("properties")) {
    const auto values = schema.find("additionalProperties");
    if (values != schema.end()) append_members(*values, pointer + "/{name}", table);
    return;
  }
  const Json required = schema.value("required", Json::array());
  for (const auto& [name, member] : schema["properties"].items()) {
    const bool must = std::find(required.begin(), required.end(), name) != required.end();
    append_option(member, child_pointer(pointer, std::string_view(name)), must, table);
  }
}

}  // namespace

std::string options_table(const nlohmann::ordered_json& schema) {
  std::string table = "| option | default | legal | meaning |\n|---|---|---|---|\n";
  append_members(schema, "", table);
  return table;
}

}  // namespace referent::config
