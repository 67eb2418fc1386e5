// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "json_values.h"
#include "readers.h"
#include "referent/core/file.h"
#include "referent/formats/json.h"

namespace referent::data {
namespace {

using Json = nlohmann::json;

/// A document is held in memory, at about ten times its size.
constexpr std::uint64_t kMaxBytes = 1ULL << 30;

/// SeqTR gives numbers; its code makes COCO's names of them, or "<number>.jpg" for ReferItGame and
/// Flickr30k. "file_name", which it does not read, wins.
std::string image_name(const Json& object, const std::string& dataset) {
  if (object.contains("file_name") && object["file_name"].is_string()) {
    return object["file_name"].get<std::string>();
  }
  const auto number = optional_integer(object, "image_id");
  if (!number) throw DataError("\"image_id\" should be a whole number");
  const bool plain = dataset.starts_with("referit") || dataset.starts_with("flickr");
  return plain ? fmt::format("{}.jpg", *number) : fmt::format("COCO_train2014_{:012}.jpg", *number);
}

/// Appends an entry for each expression of an object; one with the fault when it cannot be read.
void read_object(const Json& object, Entry entry, Masks masks, Annotations& into) {
  entry.referent = std::make_shared<const Referent>();
  try {
    if (!object.is_object()) throw DataError("expected an object, found {}", object.type_name());
    entry.image = image_name(object, into.name);
    entry.box = read_box(object, "bbox");
    entry.referent = std::make_shared<const Referent>(read_referent(object, masks));
    const auto expressions = object.find("expressions");
    if (expressions == object.end() || !expressions->is_array() || expressions->empty()) {
      throw DataError("\"expressions\" should be a list of at least one");
    }
    for (const Json& expression : *expressions) {
      if (!expression.is_string()) throw DataError("an expression should be a string");
    }
    for (const Json& expression : *expressions) {
      entry.id = std::to_string(into.entries.size());
      entry.expression = expression.get<std::string>();
      into.entries.push_back(entry);
    }
  } catch (const DataError& error) {
    entry.id = std::to_string(into.entries.size());
    entry.fault = error.what();
    into.entries.push_back(std::move(entry));
  }
}

}  // namespace

Annotations read_seqtr(const DatasetConfig& config, Masks masks) {
  const std::string where = config.path.string();
  const std::string content = read_text_file(config.path, kMaxBytes);
  formats::check_json(content, where);
  const Json document = Json::parse(content);
  Annotations result;
  result.file = config.path;
  result.folder = config.path.parent_path();
  // SeqTR calls every file instances.json; the folder tells the data set.
  const std::string stem = config.path.stem().string();
  const auto folder = std::filesystem::absolute(config.path).parent_path().filename().string();
  result.name = stem == "instances" ? folder : stem;
  if (!document.is_object()) {
    throw DataError("{}: expected an object of splits, found {}", where, document.type_name());
  }
  std::vector<std::string> splits;
  for (const auto& [split, objects] : document.items()) {
    if (!objects.is_array()) {
      throw DataError("{}: \"{}\" should be a list of objects: this is no file of SeqTR", where,
                      split);
    }
    splits.push_back(split);
    if (!config.split.empty() && split != config.split) continue;
    std::size_t number = 0;
    for (const Json& object : objects) {
      Entry entry;
      entry.split = split;
      entry.where = fmt::format(": {} {}", split, number++);
      read_object(object, std::move(entry), masks, result);
    }
  }
  if (result.entries.empty()) {
    throw DataError("{} has no split \"{}\"; there are {}", where, config.split,
                    fmt::join(splits, ", "));
  }
  return result;
}

}  // namespace referent::data
