// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace referent::formats {

/// `text` as a document under the rules of check_json (referent/formats/json.h).
nlohmann::json parse_json(std::string_view text, const std::string& where);

}  // namespace referent::formats
