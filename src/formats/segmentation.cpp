// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/segmentation.h"

#include <cmath>
#include <limits>

#include "json_parse.h"
#include "referent/core/error.h"
#include "segmentation_json.h"

namespace referent::formats {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLeastNumbers = 6;  ///< of a polygon: three corners
constexpr double kFarthest = 1e6;         ///< pixels

const Json& member(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) throw DataError("segmentation: it has no \"{}\"", key);
  return *found;
}

std::vector<std::uint32_t> read_counts(const Json& counts) {
  if (counts.is_string()) return decode_rle_counts(counts.get_ref<const std::string&>());
  if (!counts.is_array()) {
    throw DataError("\"counts\": expected a string or an array, found {}", counts.type_name());
  }
  std::vector<std::uint32_t> result;
  for (const Json& count : counts) {
    if (!count.is_number_unsigned() ||
        count.get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max()) {
      throw DataError("\"counts\": expected whole numbers of at least 0");
    }
    result.push_back(count.get<std::uint32_t>());
  }
  return result;
}

Rle read_rle(const Json& object) {
  const Json& size = member(object, "size");
  if (!size.is_array() || size.size() != 2 || !size[0].is_number_unsigned() ||
      !size[1].is_number_unsigned()) {
    throw DataError("\"size\": expected [height, width]");
  }
  return {size[0].get<std::int64_t>(), size[1].get<std::int64_t>(),
          read_counts(member(object, "counts"))};
}

std::vector<double> read_polygon(const Json& numbers) {
  if (!numbers.is_array()) {
    throw DataError("segmentation: expected an array, found {}", numbers.type_name());
  }
  std::vector<double> polygon;
  for (const Json& number : numbers) {
    if (!number.is_number()) {
      throw DataError("segmentation: expected a number, found {}", number.type_name());
    }
    polygon.push_back(number.get<double>());
  }
  if (polygon.size() % 2 != 0) {
    throw DataError("segmentation: a polygon of {} numbers: an x without its y", polygon.size());
  }
  return polygon;
}

}  // namespace

Segmentation read_segmentation(const Json& value) {
  Segmentation segmentation;
  if (value.is_null()) return segmentation;
  if (value.is_object()) {
    segmentation.rle = read_rle(value);
    return segmentation;
  }
  if (!value.is_array()) {
    throw DataError("segmentation: expected polygons or run lengths, found {}", value.type_name());
  }
  for (const Json& part : value) {
    if (!part.is_object()) {
      segmentation.polygons.push_back(read_polygon(part));
    } else if (segmentation.rle) {
      segmentation.rle = rle_union(*segmentation.rle, read_rle(part));
    } else {
      segmentation.rle = read_rle(part);
    }
  }
  if (segmentation.rle && !segmentation.polygons.empty()) {
    throw DataError("segmentation: polygons and run lengths in one list");
  }
  return segmentation;
}

Segmentation parse_segmentation(std::string_view json, const std::string& where) {
  const Json value = parse_json(json, where);
  try {
    return read_segmentation(value);
  } catch (const DataError& error) {
    throw DataError("{}: {}", where, error.what());
  }
}

void check_polygon(std::span<const double> polygon) {
  if (polygon.size() < kLeastNumbers) {
    throw DataError("a polygon of {} corners: it needs at least 3", polygon.size() / 2);
  }
  if (polygon.size() % 2 != 0) throw DataError("a polygon with an x without its y");
  for (const double coordinate : polygon) {
    if (!(std::abs(coordinate) <= kFarthest)) {
      throw DataError("a polygon with the coordinate {}: expected pixels, at most {}", coordinate,
                      kFarthest);
    }
  }
}

void check_segmentation(const Segmentation& segmentation) {
  for (const auto& polygon : segmentation.polygons) check_polygon(polygon);
  if (segmentation.rle) check_rle(*segmentation.rle);
}

}  // namespace referent::formats
