// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "referent/formats/pickle_writer.h"
#include "referent/formats/refer.h"
#include "referent/formats/rle_json.h"

namespace referent::formats {
namespace {

using Json = nlohmann::ordered_json;

void write_integer(pickle::Writer& writer, const char* key, std::int64_t value) {
  writer.text(key);
  writer.integer(value);
}

void write_text(pickle::Writer& writer, const char* key, std::string_view value) {
  writer.text(key);
  writer.text(value);
}

/// The words between spaces.
void write_tokens(pickle::Writer& writer, std::string_view sentence) {
  writer.text("tokens");
  writer.begin_list();
  while (!sentence.empty()) {
    const std::size_t end = std::min(sentence.find(' '), sentence.size());
    if (end > 0) writer.text(sentence.substr(0, end));
    sentence.remove_prefix(std::min(end + 1, sentence.size()));
  }
  writer.end_list();
}

void write_reference(pickle::Writer& writer, const Reference& reference) {
  writer.begin_dict();
  write_integer(writer, "ref_id", reference.ref_id);
  write_integer(writer, "ann_id", reference.ann_id);
  write_integer(writer, "category_id", reference.category_id);
  write_integer(writer, "image_id", reference.image_id);
  write_text(writer, "file_name", reference.file_name);
  write_text(writer, "split", reference.split);
  writer.text("sent_ids");
  writer.begin_list();
  for (const Sentence& sentence : reference.sentences) writer.integer(sentence.sent_id);
  writer.end_list();
  writer.text("sentences");
  writer.begin_list();
  for (const Sentence& sentence : reference.sentences) {
    writer.begin_dict();
    write_integer(writer, "sent_id", sentence.sent_id);
    write_text(writer, "raw", sentence.raw);
    write_text(writer, "sent", sentence.sent);
    write_tokens(writer, sentence.sent);
    writer.end_dict();
  }
  writer.end_list();
  writer.end_dict();
}

Json annotation_json(const Annotation& annotation) {
  Json entry{{"id", annotation.id},
             {"image_id", annotation.image_id},
             {"category_id", annotation.category_id},
             {"bbox", nullptr},
             {"area", annotation.area},
             {"iscrowd", annotation.iscrowd ? 1 : 0},
             {"segmentation", segmentation_json(annotation.segmentation)}};
  if (annotation.bbox) entry["bbox"] = *annotation.bbox;
  return entry;
}

}  // namespace

void write_references(const Path& path, const std::vector<Reference>& references) {
  pickle::Writer writer;
  writer.begin_list();
  for (const Reference& reference : references) write_reference(writer, reference);
  writer.end_list();
  write_file(path, writer.finish());
}

void write_instances(const Path& path, const Instances& instances) {
  Json images = Json::array();
  for (const ImageInfo& info : instances.images) {
    images.push_back({{"id", info.id},
                      {"file_name", info.file_name},
                      {"width", info.width},
                      {"height", info.height}});
  }
  Json annotations = Json::array();
  for (const Annotation& annotation : instances.annotations) {
    annotations.push_back(annotation_json(annotation));
  }
  Json categories = Json::array();
  for (const Category& category : instances.categories) {
    categories.push_back({{"id", category.id}, {"name", category.name}});
  }
  const Json document{{"images", std::move(images)},
                      {"annotations", std::move(annotations)},
                      {"categories", std::move(categories)}};
  write_file(path, document.dump() + "\n");
}

}  // namespace referent::formats
