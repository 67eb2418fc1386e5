// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "readers.h"
#include "referent/core/error.h"
#include "referent/formats/refer.h"

namespace referent::data {
namespace {

using std::filesystem::path;

/// A folder of the REFER interface and who made its splits: "google", "unc", "umd", "berkeley".
struct ReferSource {
  path folder;
  std::string by;

  path references() const { return folder / fmt::format("refs({}).p", by); }
};

/// Who the folder has splits by.
std::vector<std::string> find_makers(const path& folder) {
  std::vector<std::string> makers;
  std::error_code code;
  for (const auto& file : std::filesystem::directory_iterator(folder, code)) {
    const std::string name = file.path().filename().string();
    if (name.starts_with("refs(") && name.ends_with(").p")) {
      makers.push_back(name.substr(5, name.size() - 8));
    }
  }
  return makers;
}

/// FOLDER@BY, or FOLDER where it leaves no choice.
ReferSource parse_source(const path& source) {
  const std::string name = source.filename().string();
  const std::size_t at = name.rfind('@');
  if (at != std::string::npos && !std::filesystem::is_directory(source)) {
    return {source.parent_path() / name.substr(0, at), name.substr(at + 1)};
  }
  const auto makers = find_makers(source);
  if (makers.size() == 1) return {source, makers[0]};
  if (makers.empty()) {
    throw DataError("{} holds no refs(...).p: it is not a folder of the REFER interface",
                    source.string());
  }
  throw ConfigError("{} has splits by {}: choose one, e.g. {}@{}", source.string(),
                    fmt::join(makers, ", "), source.string(), makers[0]);
}

/// instances.json by the numbers that references use.
class Objects {
 public:
  Objects(formats::Instances instances, Annotations& into) : instances_(std::move(instances)) {
    std::set<std::string> names;
    for (const formats::ImageInfo& info : instances_.images) {
      const bool is_new = images_.emplace(info.id, &info).second;
      if (!names.insert(info.file_name).second || !is_new) {
        into.images_listed_twice.push_back(info.file_name);
      }
    }
    for (const formats::Annotation& annotation : instances_.annotations) {
      ++same_class_[{annotation.image_id, annotation.category_id}];
      if (!annotations_.emplace(annotation.id, &annotation).second) {
        into.objects_listed_twice.push_back(std::to_string(annotation.id));
      }
    }
    for (const formats::Category& category : instances_.categories) {
      categories_.emplace(category.id, &category);
    }
  }

  /// Throws DataError where instances.json has no such number.
  const formats::ImageInfo& image(std::int64_t id) const { return *find(images_, id, "image"); }
  const formats::Annotation& annotation(std::int64_t id) const {
    return *find(annotations_, id, "annotation");
  }

  Referent referent(const formats::Reference& reference) const {
    const formats::Annotation& annotation = this->annotation(reference.ann_id);
    const formats::ImageInfo& info = image(reference.image_id);
    Referent referent;
    referent.image_id = reference.image_id;
    referent.reference_id = reference.ref_id;
    referent.object = std::to_string(reference.ann_id);
    referent.area = annotation.area;
    referent.crowd = annotation.iscrowd;
    referent.width = info.width;
    referent.height = info.height;
    if (const auto category = categories_.find(reference.category_id);
        category != categories_.end()) {
      referent.category_id = reference.category_id;
      referent.category = category->second->name;
      referent.same_class = same_class_.at({annotation.image_id, annotation.category_id});
    }
    if (!annotation.segmentation.empty()) {
      referent.mask = std::make_shared<const formats::Segmentation>(annotation.segmentation);
    }
    return referent;
  }

  std::size_t annotation_count() const { return annotations_.size(); }

 private:
  template <typename T>
  static const T* find(const std::unordered_map<std::int64_t, const T*>& map, std::int64_t id,
                       const char* what) {
    const auto found = map.find(id);
    if (found == map.end()) throw DataError("instances.json has no {} {}", what, id);
    return found->second;
  }

  formats::Instances instances_;
  std::unordered_map<std::int64_t, const formats::ImageInfo*> images_;
  std::unordered_map<std::int64_t, const formats::Annotation*> annotations_;
  std::unordered_map<std::int64_t, const formats::Category*> categories_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> same_class_;
};

/// The entry that all sentences of a reference share.
Entry entry_of(const formats::Reference& reference, const Objects& objects) {
  Entry entry;
  entry.where = fmt::format(": reference {}", reference.ref_id);
  entry.split = reference.split;
  entry.referent = std::make_shared<const Referent>();
  try {
    entry.image = objects.image(reference.image_id).file_name;
    if (const auto& box = objects.annotation(reference.ann_id).bbox) entry.box = {*box, false};
    entry.referent = std::make_shared<const Referent>(objects.referent(reference));
  } catch (const DataError& error) {
    entry.fault = error.what();
  }
  return entry;
}

}  // namespace

Annotations read_refer(const DatasetConfig& config, Masks masks) {
  const ReferSource source = parse_source(config.path);
  const auto references = formats::read_references(source.references());
  Annotations result;
  const Objects objects(formats::read_instances(source.folder / "instances.json",
                                                masks == Masks::kRead ? formats::Outlines::kRead
                                                                      : formats::Outlines::kIgnore),
                        result);
  result.name = fmt::format("{}@{}", source.folder.filename().string(), source.by);
  result.file = source.references();
  result.folder = source.folder;
  std::set<std::string> splits;
  std::set<std::int64_t> referred;
  for (const formats::Reference& reference : references) {
    splits.insert(reference.split);
    referred.insert(reference.ann_id);
    if (!config.split.empty() && reference.split != config.split) continue;
    Entry entry = entry_of(reference, objects);
    for (const formats::Sentence& sentence : reference.sentences) {
      entry.id = std::to_string(sentence.sent_id);
      entry.has_id = true;
      entry.expression = sentence.sent;
      entry.raw = sentence.raw == sentence.sent ? std::string() : sentence.raw;
      result.entries.push_back(entry);
    }
  }
  if (result.entries.empty()) {
    throw DataError("{} has no split \"{}\"; there are {}", source.references().string(),
                    config.split, fmt::join(splits, ", "));
  }
  if (referred.size() < objects.annotation_count()) {
    result.passed_over["annotations without expressions"] =
        static_cast<std::int64_t>(objects.annotation_count() - referred.size());
  }
  return result;
}

}  // namespace referent::data
