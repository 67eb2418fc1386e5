// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "converters.h"
#include "new_folder.h"
#include "referent/core/error.h"
#include "referent/formats/refer.h"

namespace referent::data {
namespace {

using std::filesystem::path;

/// Gives every key a number of its own: the one it wishes where that is free, else one above all
/// wishes.
class Numbering {
 public:
  void add(const std::string& key, std::optional<std::int64_t> wish) {
    if (!numbers_.try_emplace(key).second) return;
    if (wish && *wish >= 0 && taken_.insert(*wish).second) {
      numbers_[key] = *wish;
    } else {
      waiting_.push_back(key);
    }
  }

  /// No more wishes.
  void close() {
    std::int64_t next = taken_.empty() ? 1 : *taken_.rbegin() + 1;
    for (const std::string& key : waiting_) numbers_[key] = next++;
    waiting_.clear();
  }

  std::int64_t at(const std::string& key) const { return numbers_.at(key); }

 private:
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::set<std::int64_t> taken_;
  std::vector<std::string> waiting_;
};

/// What makes an annotation: equal keys are one.
std::string object_key(const Entry& entry) {
  std::string key = entry.image + '\0' + entry.referent->object + '\0';
  for (const double number : entry.box.value().numbers) key += fmt::format(" {}", number);
  return key;
}

/// By its name where it has one; empty: the category is not known.
std::string category_key(const Referent& referent) {
  if (!referent.category.empty()) return referent.category;
  return referent.category_id ? fmt::format("#{}", *referent.category_id) : std::string();
}

/// "COCO_train2014_000000000009_1038967.jpg": the picture's name with the annotation's number.
std::string reference_file(const std::string& image, std::int64_t annotation) {
  const path name(image);
  return fmt::format("{}_{}{}", name.stem().string(), annotation, name.extension().string());
}

class ReferBuilder {
 public:
  ReferBuilder(const Entries& entries, Conversion& into) : entries_(entries), into_(into) {}

  void build() {
    number();
    for (const Entry* entry : entries_) add(*entry);
  }

  const formats::Instances& instances() const { return instances_; }
  const std::vector<formats::Reference>& references() const { return references_; }

 private:
  void number() {
    std::set<std::int64_t> ids;
    for (const Entry* entry : entries_) {
      const Referent& referent = *entry->referent;
      images_.add(entry->image, referent.image_id ? referent.image_id : image_number(entry->image));
      const auto object = whole_number(referent.object);
      if (!object && !referent.object.empty()) ++into_.lost["names of objects that are no number"];
      objects_.add(object_key(*entry), object);
      if (const std::string key = category_key(referent); !key.empty()) {
        categories_.add(key, referent.category_id);
      }
      const auto id = entry->has_id ? whole_number(entry->id) : std::nullopt;
      keeps_ids_ = keeps_ids_ && id && ids.insert(*id).second;
      has_ids_ += entry->has_id ? 1 : 0;
    }
    images_.close();
    objects_.close();
    categories_.close();
    if (!keeps_ids_ && has_ids_ > 0) into_.lost["ids of expressions"] = has_ids_;
  }

  void add(const Entry& entry) {
    if (last_ == nullptr || !same_object(*last_, entry)) {
      add_image(entry);
      add_annotation(entry);
      add_reference(entry);
    }
    formats::Sentence sentence;
    sentence.sent_id = keeps_ids_ ? whole_number(entry.id).value() : next_sentence_++;
    sentence.sent = entry.expression;
    sentence.raw = entry.raw.empty() ? entry.expression : entry.raw;
    references_.back().sentences.push_back(std::move(sentence));
    last_ = &entry;
  }

  void add_image(const Entry& entry) {
    if (!written_images_.insert(entry.image).second) return;
    instances_.images.push_back(
        {images_.at(entry.image), entry.image, entry.referent->width, entry.referent->height});
  }

  std::int64_t category_of(const Referent& referent) {
    const std::string key = category_key(referent);
    if (key.empty()) return 0;
    const std::int64_t number = categories_.at(key);
    if (written_categories_.insert(number).second) {
      instances_.categories.push_back({number, referent.category});
    }
    return number;
  }

  void add_annotation(const Entry& entry) {
    const Referent& referent = *entry.referent;
    if (!written_objects_.insert(object_key(entry)).second) return;
    std::int64_t rounded = 0;
    formats::Annotation annotation;
    annotation.id = objects_.at(object_key(entry));
    annotation.image_id = images_.at(entry.image);
    annotation.category_id = category_of(referent);
    const auto box = corner_and_size(entry.box.value(), rounded);
    annotation.bbox = box;
    annotation.area = referent.area.value_or(box[2] * box[3]);
    annotation.iscrowd = referent.crowd;
    if (referent.mask != nullptr) annotation.segmentation = *referent.mask;
    if (rounded > 0) into_.lost["boxes to the last digit"] += rounded;
    instances_.annotations.push_back(std::move(annotation));
  }

  void add_reference(const Entry& entry) {
    formats::Reference reference;
    reference.ref_id = reference_number(entry.referent->reference_id);
    reference.ann_id = objects_.at(object_key(entry));
    reference.category_id = category_of(*entry.referent);
    reference.image_id = images_.at(entry.image);
    reference.file_name = reference_file(entry.image, reference.ann_id);
    reference.split = split_name(entry);
    references_.push_back(std::move(reference));
  }

  /// The reference's own number where no earlier one has it; else one that is free.
  std::int64_t reference_number(std::optional<std::int64_t> wish) {
    if (wish && written_references_.insert(*wish).second) return *wish;
    if (wish) ++into_.lost["ids of references"];
    std::int64_t number = static_cast<std::int64_t>(references_.size());
    while (!written_references_.insert(number).second) ++number;
    return number;
  }

  const Entries& entries_;
  Conversion& into_;
  Numbering images_;
  Numbering objects_;
  Numbering categories_;
  bool keeps_ids_ = true;
  std::int64_t has_ids_ = 0;
  const Entry* last_ = nullptr;
  std::int64_t next_sentence_ = 0;
  std::set<std::string> written_images_;
  std::set<std::string> written_objects_;
  std::set<std::int64_t> written_categories_;
  std::set<std::int64_t> written_references_;
  formats::Instances instances_;
  std::vector<formats::Reference> references_;
};

}  // namespace

void write_refer(const Entries& entries, const path& out, Conversion& into) {
  const std::string name = (out / "").parent_path().filename().string();
  const std::size_t at = name.rfind('@');
  if (at == std::string::npos || at == 0 || at + 1 == name.size()) {
    throw ConfigError("{}: name the folder FOLDER@BY, e.g. out/refcoco@unc for refs(unc).p",
                      out.string());
  }
  const path target = (out / "").parent_path().parent_path() / name.substr(0, at);
  const std::string file = fmt::format("refs({}).p", name.substr(at + 1));
  ReferBuilder builder(entries, into);
  builder.build();
  NewFolder folder(target);
  formats::write_references(folder.folder() / file, builder.references());
  formats::write_instances(folder.folder() / "instances.json", builder.instances());
  folder.commit();
  into.files.push_back({target / file, static_cast<std::int64_t>(entries.size())});
  into.files.push_back({target / "instances.json", 0});
}

}  // namespace referent::data
