// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "referent/core/error.h"
#include "referent/data/annotations.h"

/// Values that JSON lines and SeqTR's files have in common.
namespace referent::data {

/// A whole number under `key` of an object; none where it is absent or anything else.
std::optional<std::int64_t> optional_integer(const nlohmann::json& object, const char* key);

/// A string likewise, empty for none; a whole number counts as its digits.
std::string optional_text(const nlohmann::json& object, const char* key);

/// [x, y, width, height] under `key`, null entries being no numbers; none where it is null or
/// absent. Throws DataError.
std::optional<WrittenBox> read_box(const nlohmann::json& object, const char* key);

/// The keys of both formats that say more than picture, expression and box: "ann_id", "ref_id",
/// "image_id", "category_id", "category", "width", "height", "area", "iscrowd", and "mask" where it
/// is wanted. Of another type than expected they are somebody else's and passed over. Throws
/// DataError for a mask that is none.
Referent read_referent(const nlohmann::json& object, Masks masks);

}  // namespace referent::data
