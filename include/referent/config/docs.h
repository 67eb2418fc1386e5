// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "referent/config/schema.h"

namespace referent::config {

/// A Markdown table of every option that `schema` describes: pointer, default, what is legal, and
/// the meaning. Elements of arrays are written "/*", values of maps "/{name}".
std::string options_table(const nlohmann::ordered_json& schema);

/// The table of a configuration struct.
template <Structure T>
std::string docs() {
  return options_table(type_schema<T>());
}

}  // namespace referent::config
