// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace referent::engine {

/// What the model preset `name` writes beneath a "model" object; null for a name that is none.
nlohmann::json model_preset(const std::string& name);

}  // namespace referent::engine
