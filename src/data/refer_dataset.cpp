// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "annotations.h"
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

/// What the references name by number.
struct Objects {
  std::unordered_map<std::int64_t, std::string> images;
  std::unordered_map<std::int64_t, image::Box> boxes;
  std::unordered_map<std::int64_t, formats::Segmentation> outlines;  ///< where they are wanted
};

Objects read_objects(const path& file, Masks masks) {
  Objects objects;
  formats::Instances instances = formats::read_instances(
      file, masks == Masks::kRead ? formats::Outlines::kRead : formats::Outlines::kIgnore);
  for (formats::ImageInfo& info : instances.images) {
    objects.images.emplace(info.id, std::move(info.file_name));
  }
  for (formats::Annotation& annotation : instances.annotations) {
    const auto& [x, y, width, height] = annotation.bbox;
    objects.boxes.emplace(annotation.id, image::Box{x, y, x + width, y + height});
    if (masks == Masks::kRead) {
      objects.outlines.emplace(annotation.id, std::move(annotation.segmentation));
    }
  }
  return objects;
}

template <typename T>
const T& find(const std::unordered_map<std::int64_t, T>& map, std::int64_t id, const char* what,
              const std::string& where) {
  const auto found = map.find(id);
  if (found == map.end()) throw DataError("{}: instances.json has no {} {}", where, what, id);
  return found->second;
}

}  // namespace

Annotations read_refer(const DatasetConfig& config, Masks masks) {
  const ReferSource source = parse_source(config.path);
  if (config.split.empty()) {
    throw ConfigError("{}: name a split, such as train, val or testA", config.path.string());
  }
  const auto references = formats::read_references(source.references());
  const Objects objects = read_objects(source.folder / "instances.json", masks);
  Annotations result{fmt::format("{}@{}", source.folder.filename().string(), source.by),
                     config.split,
                     source.folder,
                     {}};
  std::set<std::string> splits;
  for (const formats::Reference& reference : references) {
    splits.insert(reference.split);
    if (reference.split != config.split) continue;
    const std::string where =
        fmt::format("{}: reference {}", source.references().string(), reference.ref_id);
    Example example;
    example.image = find(objects.images, reference.image_id, "image", where);
    example.box = find(objects.boxes, reference.ann_id, "annotation", where);
    if (const auto outline = objects.outlines.find(reference.ann_id);
        outline != objects.outlines.end()) {
      example.mask =
          usable_mask(outline->second, fmt::format("{}, annotation {}", where, reference.ann_id));
    }
    for (const formats::Sentence& sentence : reference.sentences) {
      example.id = std::to_string(sentence.sent_id);
      example.expression = sentence.sent;
      check_example(example, where);
      result.examples.push_back(example);
    }
  }
  if (result.examples.empty()) {
    throw DataError("{} has no split \"{}\"; there are {}", source.references().string(),
                    config.split, fmt::join(splits, ", "));
  }
  return result;
}

}  // namespace referent::data
