// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace referent::engine {

/// What the model preset `name` writes beneath a run's document: "model", and under "data" how the
/// model was made to see pictures and words where that is not the default. Null for a name that is
/// none.
nlohmann::json preset(const std::string& name);

}  // namespace referent::engine
