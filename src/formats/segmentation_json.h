// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include "referent/formats/segmentation.h"

namespace referent::formats {

/// parse_segmentation of JSON that is read already. Throws DataError.
Segmentation read_segmentation(const nlohmann::json& value);

}  // namespace referent::formats
