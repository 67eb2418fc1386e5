// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/refer.h"

#include <limits>
#include <type_traits>
#include <utility>

#include "json_parse.h"
#include "referent/core/error.h"
#include "referent/formats/torch_file.h"
#include "segmentation_json.h"

namespace referent::formats {
namespace {

using Json = nlohmann::json;
using pickle::Value;

// References: pickle.

Value member(const Value& entry, const char* key) {
  auto found = entry.find(key);
  if (!found) throw DataError("it has no \"{}\"", key);
  return *std::move(found);
}

Sentence parse_sentence(const Value& entry) {
  Sentence sentence;
  sentence.sent_id = member(entry, "sent_id").as_int();
  sentence.sent = member(entry, "sent").text();
  const auto raw = entry.find("raw");
  sentence.raw = raw ? raw->text() : sentence.sent;
  return sentence;
}

Reference parse_reference(const Value& entry) {
  Reference reference;
  reference.ref_id = member(entry, "ref_id").as_int();
  reference.ann_id = member(entry, "ann_id").as_int();
  reference.category_id = member(entry, "category_id").as_int();
  reference.image_id = member(entry, "image_id").as_int();
  reference.file_name = member(entry, "file_name").text();
  reference.split = member(entry, "split").text();
  const Value sentences = member(entry, "sentences");
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    reference.sentences.push_back(parse_sentence(sentences.at(i)));
  }
  return reference;
}

// Instances: JSON.

const Json& member(const Json& entry, const char* key) {
  if (!entry.is_object()) throw DataError("expected an object, found {}", entry.type_name());
  const auto found = entry.find(key);
  if (found == entry.end()) throw DataError("it has no \"{}\"", key);
  return *found;
}

double number(const Json& value, const char* key) {
  if (!value.is_number()) {
    throw DataError("\"{}\": expected a number, found {}", key, value.type_name());
  }
  return value.get<double>();
}

std::int64_t integer(const Json& entry, const char* key) {
  const Json& value = member(entry, key);
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max());
  if (!fits) throw DataError("\"{}\": expected a whole number, found {}", key, value.type_name());
  return value.get<std::int64_t>();
}

std::string string(const Json& entry, const char* key) {
  const Json& value = member(entry, key);
  if (!value.is_string()) {
    throw DataError("\"{}\": expected a string, found {}", key, value.type_name());
  }
  return value.get<std::string>();
}

void check_array(const Json& value, const char* key) {
  if (!value.is_array()) {
    throw DataError("\"{}\": expected an array, found {}", key, value.type_name());
  }
}

bool parse_flag(const Json& value) {
  return value.is_boolean() ? value.get<bool>() : number(value, "iscrowd") != 0.0;
}

std::array<double, 4> parse_box(const Json& value) {
  std::array<double, 4> box{};
  check_array(value, "bbox");
  if (value.size() != box.size()) {
    throw DataError("\"bbox\": expected 4 numbers, found {}", value.size());
  }
  for (std::size_t i = 0; i < box.size(); ++i) box[i] = number(value[i], "bbox");
  return box;
}

Annotation parse_annotation(const Json& entry, Outlines outlines) {
  Annotation annotation;
  annotation.id = integer(entry, "id");
  annotation.image_id = integer(entry, "image_id");
  annotation.category_id = integer(entry, "category_id");
  if (entry.contains("bbox") && !entry["bbox"].is_null())
    annotation.bbox = parse_box(entry["bbox"]);
  if (entry.contains("area")) {
    annotation.area = number(entry["area"], "area");
  } else if (annotation.bbox) {
    annotation.area = (*annotation.bbox)[2] * (*annotation.bbox)[3];
  }
  annotation.iscrowd = entry.contains("iscrowd") && parse_flag(entry["iscrowd"]);
  if (outlines == Outlines::kRead && entry.contains("segmentation")) {
    annotation.segmentation = read_segmentation(entry["segmentation"]);
  }
  return annotation;
}

ImageInfo parse_image(const Json& entry) {
  return {integer(entry, "id"), string(entry, "file_name"), integer(entry, "width"),
          integer(entry, "height")};
}

Category parse_category(const Json& entry) {
  return {integer(entry, "id"), string(entry, "name")};
}

template <typename Parse>
auto parse_all(const Json& document, const char* key, const Parse& parse,
               const std::string& where) {
  std::vector<std::invoke_result_t<const Parse&, const Json&>> result;
  try {
    const Json& entries = member(document, key);
    check_array(entries, key);
    for (const Json& entry : entries) result.push_back(parse(entry));
  } catch (const DataError& error) {
    throw DataError("{}: {}, entry {}: {}", where, key, result.size(), error.what());
  }
  return result;
}

}  // namespace

std::vector<Reference> read_references(const Path& path) {
  const Value list = read_torch_file(path);
  if (!list.is(pickle::Kind::kList)) {
    throw DataError("{}: expected a list of references, found {}", path.string(), list.describe());
  }
  std::vector<Reference> references;
  try {
    for (std::size_t i = 0; i < list.size(); ++i) {
      references.push_back(parse_reference(list.at(i)));
    }
  } catch (const DataError& error) {
    throw DataError("{}: entry {}: {}", path.string(), references.size(), error.what());
  }
  return references;
}

Instances read_instances(const Path& path, Outlines outlines) {
  const std::string where = path.string();
  const Json document = parse_json(read_text_file(path), where);
  Instances instances;
  instances.images = parse_all(document, "images", parse_image, where);
  instances.annotations = parse_all(
      document, "annotations",
      [outlines](const Json& entry) { return parse_annotation(entry, outlines); }, where);
  instances.categories = parse_all(document, "categories", parse_category, where);
  return instances;
}

}  // namespace referent::formats
