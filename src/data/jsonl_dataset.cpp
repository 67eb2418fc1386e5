// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "annotations.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/formats/json.h"

namespace referent::data {
namespace {

using Json = nlohmann::json;

/// 4 GiB: a hundred times the largest public set.
constexpr std::uint64_t kMaxBytes = 4ULL << 30;

const Json& require(const Json& line, const char* key, const std::string& where) {
  const auto found = line.find(key);
  if (found == line.end()) throw DataError("{}: \"{}\" is missing", where, key);
  return *found;
}

std::string read_string(const Json& value, const char* key, const std::string& where) {
  if (!value.is_string()) {
    throw DataError("{}: \"{}\" should be a string, not {}", where, key, value.dump());
  }
  return value.get<std::string>();
}

/// Ids are strings or numbers.
std::string read_id(const Json& value, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  throw DataError("{}: \"id\" should be a string or a number, not {}", where, value.dump());
}

image::Box read_box(const Json& line, const std::string& where) {
  const char* key = line.contains("box") ? "box" : "box_xywh";
  const Json& value = require(line, line.contains(key) ? key : "box", where);
  const bool is_box = value.is_array() && value.size() == 4 &&
                      std::all_of(value.begin(), value.end(),
                                  [](const Json& number) { return number.is_number(); });
  if (!is_box) {
    throw DataError("{}: \"{}\" should be [x, y, width, height] in pixels, not {}", where, key,
                    value.dump());
  }
  const auto numbers = value.get<std::array<double, 4>>();
  if (numbers[2] <= 0 || numbers[3] <= 0) {
    throw DataError("{}: the box {} has no area: width and height should be above 0", where,
                    value.dump());
  }
  return {numbers[0], numbers[1], numbers[0] + numbers[2], numbers[1] + numbers[3]};
}

Json parse_line(std::string_view text, const std::string& where) {
  formats::check_json(text, where);
  Json line = Json::parse(text);
  if (!line.is_object()) throw DataError("{}: a line should be a JSON object", where);
  return line;
}

Example read_example(const Json& line, std::int64_t number, Masks masks, const std::string& where) {
  Example example;
  example.id = line.contains("id") ? read_id(line["id"], where) : std::to_string(number);
  example.image = read_string(require(line, "image", where), "image", where);
  if (example.image.empty()) throw DataError("{}: \"image\" is empty", where);
  example.expression = read_string(require(line, "expression", where), "expression", where);
  example.box = read_box(line, where);
  if (masks == Masks::kRead && line.contains("mask")) {
    example.mask = usable_mask(formats::parse_segmentation(line["mask"].dump(), where), where);
  }
  check_example(example, where);
  return example;
}

}  // namespace

Annotations read_jsonl(const DatasetConfig& config, Masks masks) {
  const std::string content = read_text_file(config.path, kMaxBytes);
  Annotations result{config.path.stem().string(), config.split, config.path.parent_path(), {}};
  std::set<std::string> splits;
  std::int64_t number = 0;
  for (std::string_view rest = content; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    // Lines are counted from 1 in messages, as editors do.
    const std::string where = fmt::format("{}:{}", config.path.string(), number + 1);
    const Json line = parse_line(text, where);
    if (!config.split.empty()) {
      const std::string split =
          line.contains("split") ? read_string(line["split"], "split", where) : "";
      if (split != config.split) {
        splits.insert(split.empty() ? "(none)" : split);
        continue;
      }
    }
    result.examples.push_back(read_example(line, number, masks, where));
  }
  if (result.examples.empty() && !splits.empty()) {
    throw DataError("{}: no line is of the split \"{}\"; there are {}", config.path.string(),
                    config.split, fmt::join(splits, ", "));
  }
  return result;
}

}  // namespace referent::data
