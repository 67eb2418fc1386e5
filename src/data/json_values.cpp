// SPDX-License-Identifier: Apache-2.0
#include "json_values.h"

#include <limits>

namespace referent::data {

using Json = nlohmann::json;

std::optional<std::int64_t> optional_integer(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  if (found->is_number_unsigned() &&
      found->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  return found->get<std::int64_t>();
}

std::string optional_text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? found->dump() : std::string();
}

std::optional<WrittenBox> read_box(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  WrittenBox box;
  bool is_box = found->is_array() && found->size() == box.numbers.size();
  for (std::size_t i = 0; is_box && i < box.numbers.size(); ++i) {
    const Json& number = (*found)[i];
    is_box = number.is_number() || number.is_null();
    if (!is_box) break;
    box.numbers[i] =
        number.is_null() ? std::numeric_limits<double>::quiet_NaN() : number.get<double>();
  }
  if (!is_box) {
    throw DataError("\"{}\" should be [x, y, width, height] in pixels, not {}", key, found->dump());
  }
  return box;
}

Referent read_referent(const Json& object, Masks masks) {
  Referent referent;
  referent.image_id = optional_integer(object, "image_id");
  referent.reference_id = optional_integer(object, "ref_id");
  referent.category_id = optional_integer(object, "category_id");
  referent.object = optional_text(object, "ann_id");
  referent.category = optional_text(object, "category");
  referent.width = optional_integer(object, "width").value_or(0);
  referent.height = optional_integer(object, "height").value_or(0);
  referent.crowd = optional_integer(object, "iscrowd").value_or(0) != 0;
  if (object.contains("area") && object["area"].is_number()) {
    referent.area = object["area"].get<double>();
  }
  const auto mask = object.find("mask");
  if (masks == Masks::kRead && mask != object.end()) {
    auto outline = formats::parse_segmentation(mask->dump(), "\"mask\"");
    if (!outline.empty()) {
      referent.mask = std::make_shared<const formats::Segmentation>(std::move(outline));
    }
  }
  return referent;
}

}  // namespace referent::data
