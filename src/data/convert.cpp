// SPDX-License-Identifier: Apache-2.0
#include "referent/data/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "converters.h"
#include "image_finder.h"
#include "readers.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/formats/index_file.h"
#include "referent/formats/rle_json.h"
#include "referent/image/decode.h"

namespace referent::data {
namespace {

using Json = nlohmann::ordered_json;
using std::filesystem::path;

constexpr const char* kRoundedBoxes = "boxes to the last digit";

/// Which of the things that an entry may have a format has a place for.
struct Places {
  bool ids = false;
  bool raw = false;
  bool masks = false;
  bool objects = false;
  bool references = false;
  bool categories = false;
  bool sizes = false;
  bool areas = false;
};

Places places_of(DatasetFormat format, const path& out) {
  switch (format) {
    case DatasetFormat::kJsonl:
    case DatasetFormat::kRefer:
      return {true, true, true, true, true, true, true, true};
    case DatasetFormat::kSeqtr:
      return {.masks = true, .objects = true, .categories = true, .sizes = true};
    case DatasetFormat::kIndex: {
      const auto family = index_family(out.extension() == ".pth" ? out : out / "x_x.pth");
      return {.objects = family && family->name != "flickr"};
    }
  }
  return {};
}

/// Counts what has no place.
void count_lost(const Entries& entries, const Places& places, Conversion& into) {
  const auto count = [&](bool has_place, bool is_there, const char* what) {
    if (is_there && !has_place) ++into.lost[what];
  };
  for (const Entry* entry : entries) {
    const Referent& referent = *entry->referent;
    count(places.ids, entry->has_id, "ids of expressions");
    count(places.raw, !entry->raw.empty(), "raw sentences");
    count(places.masks, referent.mask != nullptr, "masks");
    count(places.objects, !referent.object.empty(), "names of objects");
    count(places.references, referent.reference_id.has_value(), "ids of references");
    count(places.categories, referent.category_id || !referent.category.empty(), "categories");
    count(places.sizes, referent.width > 0, "sizes of images");
    count(places.areas, referent.area.has_value(), "areas");
    count(places.areas, referent.crowd, "crowd flags");
  }
}

/// The entries that can be written at all.
Entries usable_entries(const Annotations& annotations, Conversion& into) {
  Entries entries;
  for (const Entry& entry : annotations.entries) {
    const bool finite =
        entry.box && std::all_of(entry.box->numbers.begin(), entry.box->numbers.end(),
                                 [](double number) { return std::isfinite(number); });
    if (!entry.fault.empty() || !entry.valid_utf8) {
      ++into.lost["entries that cannot be read"];
    } else if (!finite) {
      ++into.lost["entries without a finite box"];
    } else {
      entries.push_back(&entry);
    }
  }
  return entries;
}

void note_rounded(std::int64_t rounded, Conversion& into) {
  if (rounded > 0) into.lost[kRoundedBoxes] += rounded;
}

/// Whole numbers without a fraction, as people write them.
Json number_json(double number) {
  constexpr double kMostWhole = 9007199254740992.0;
  if (std::trunc(number) == number && std::abs(number) <= kMostWhole) {
    return static_cast<std::int64_t>(number);
  }
  return number;
}

Json box_json(const WrittenBox& box, std::int64_t& rounded) {
  Json numbers = Json::array();
  for (const double number : corner_and_size(box, rounded)) numbers.push_back(number_json(number));
  return numbers;
}

/// Keys that JSON lines and SeqTR's objects have in common.
void put_referent(const Referent& referent, Json& object) {
  if (const auto number = whole_number(referent.object)) {
    object["ann_id"] = *number;
  } else if (!referent.object.empty()) {
    object["ann_id"] = referent.object;
  }
  if (referent.category_id) object["category_id"] = *referent.category_id;
  if (!referent.category.empty()) object["category"] = referent.category;
  if (referent.mask != nullptr) object["mask"] = formats::segmentation_json(*referent.mask);
}

Json line_json(const Entry& entry, std::int64_t& rounded) {
  const Referent& referent = *entry.referent;
  Json line = Json::object();
  if (entry.has_id) line["id"] = entry.id;
  line["image"] = entry.image;
  line["expression"] = entry.expression;
  line["box"] = box_json(entry.box.value(), rounded);
  if (!entry.split.empty()) line["split"] = entry.split;
  if (!entry.raw.empty()) line["raw"] = entry.raw;
  if (referent.width > 0) line["width"] = referent.width;
  if (referent.height > 0) line["height"] = referent.height;
  if (referent.image_id) line["image_id"] = *referent.image_id;
  if (referent.reference_id) line["ref_id"] = *referent.reference_id;
  if (referent.area) line["area"] = number_json(*referent.area);
  if (referent.crowd) line["iscrowd"] = 1;
  put_referent(referent, line);
  return line;
}

void write_jsonl(const Entries& entries, const path& out, Conversion& into) {
  AtomicFile file(out);
  std::int64_t rounded = 0;
  for (const Entry* entry : entries) file.write(line_json(*entry, rounded).dump() + "\n");
  file.commit();
  note_rounded(rounded, into);
  into.files.push_back({out, static_cast<std::int64_t>(entries.size())});
}

void write_seqtr(const Entries& entries, const path& out, Conversion& into) {
  Json document = Json::object();
  std::int64_t rounded = 0;
  const Entry* last = nullptr;
  std::int64_t unnumbered = 0;
  for (const Entry* entry : entries) {
    Json& objects = document[split_name(*entry)];
    if (last == nullptr || !same_object(*last, *entry)) {
      const Referent& referent = *entry->referent;
      const auto number = referent.image_id ? referent.image_id : image_number(entry->image);
      if (!number) ++unnumbered;
      Json object{{"image_id", number.value_or(0)},
                  {"file_name", entry->image},
                  {"width", referent.width},
                  {"height", referent.height},
                  {"bbox", box_json(entry->box.value(), rounded)},
                  {"expressions", Json::array()}};
      put_referent(referent, object);
      objects.push_back(std::move(object));
    }
    objects.back()["expressions"].push_back(entry->expression);
    last = entry;
  }
  if (unnumbered > 0) into.lost["images by a number, which SeqTR itself needs"] = unnumbered;
  write_file(out, document.dump() + "\n");
  note_rounded(rounded, into);
  into.files.push_back({out, static_cast<std::int64_t>(entries.size())});
}

/// Throws ConfigError unless the path tells the family.
IndexFamily require_family(const path& file) {
  if (const auto family = index_family(file)) return *family;
  throw ConfigError(
      "{}: index files are called <family>_<split>.pth, or lie in a folder named after their "
      "family: unc, unc+, gref, gref_umd, referit or flickr",
      file.string());
}

void write_index_file(const Entries& entries, const path& file, Conversion& into) {
  const IndexFamily family = require_family(file);
  std::int64_t rounded = 0;
  std::vector<formats::IndexEntry> rows;
  for (const Entry* entry : entries) {
    formats::IndexEntry row;
    row.image = entry->image;
    row.expression = entry->expression;
    const WrittenBox& box = entry->box.value();
    row.box = family.corners ? two_corners(box, rounded) : corner_and_size(box, rounded);
    if (!entry->referent->object.empty()) row.mask_file = entry->referent->object + ".pth";
    rows.push_back(std::move(row));
  }
  formats::write_index(file, rows, family.name == "flickr");
  note_rounded(rounded, into);
  into.files.push_back({file, static_cast<std::int64_t>(entries.size())});
}

/// Entries by split, in the order in which splits first occur.
std::vector<std::pair<std::string, Entries>> by_split(const Entries& entries) {
  std::vector<std::pair<std::string, Entries>> splits;
  std::unordered_map<std::string, std::size_t> places;
  for (const Entry* entry : entries) {
    const std::string split = split_name(*entry);
    const auto [place, is_new] = places.try_emplace(split, splits.size());
    if (is_new) splits.push_back({split, {}});
    splits[place->second].second.push_back(entry);
  }
  return splits;
}

void write_index(const Entries& entries, const path& out, Conversion& into) {
  const auto splits = by_split(entries);
  if (out.extension() != ".pth") {
    const std::string family = (out / "").parent_path().filename().string();
    const auto file = [&](const std::string& split) {
      return out / fmt::format("{}_{}.pth", family, split);
    };
    require_family(file(splits.front().first));
    make_folders(out);
    for (const auto& [split, part] : splits) write_index_file(part, file(split), into);
  } else if (splits.size() == 1) {
    write_index_file(entries, out, into);
  } else {
    throw ConfigError("{}: an index file holds one split, here are {}: name a split or a folder",
                      out.string(), splits.size());
  }
}

bool same_outline(const formats::Segmentation* a, const formats::Segmentation* b) {
  if (a == nullptr || b == nullptr || a == b) return a == b;
  return a->polygons == b->polygons && a->rle == b->rle;
}

}  // namespace

bool same_object(const Entry& a, const Entry& b) {
  const Referent& x = *a.referent;
  const Referent& y = *b.referent;
  const WrittenBox& box = a.box.value();
  const WrittenBox& other = b.box.value();
  return a.image == b.image && a.split == b.split && x.object == y.object &&
         x.reference_id == y.reference_id && same_outline(x.mask.get(), y.mask.get()) &&
         x.category_id == y.category_id && box.corners == other.corners &&
         box.numbers == other.numbers;
}

std::array<double, 4> corner_and_size(const WrittenBox& box, std::int64_t& rounded) {
  if (!box.corners) return box.numbers;
  const auto& [x1, y1, x2, y2] = box.numbers;
  const std::array<double, 4> result{x1, y1, x2 - x1, y2 - y1};
  if (x1 + result[2] != x2 || y1 + result[3] != y2) ++rounded;
  return result;
}

std::array<double, 4> two_corners(const WrittenBox& box, std::int64_t& rounded) {
  if (box.corners) return box.numbers;
  const auto& [x, y, width, height] = box.numbers;
  const std::array<double, 4> result{x, y, x + width, y + height};
  if (result[2] - x != width || result[3] - y != height) ++rounded;
  return result;
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = code == std::errc() && end == text.data() + text.size();
  if (!is_number || std::to_string(number) != text) return std::nullopt;
  return number;
}

std::optional<std::int64_t> image_number(const std::string& name) {
  std::string stem = path(name).stem().string();
  if (stem.starts_with("COCO_")) {
    stem = stem.substr(stem.rfind('_') + 1);
    stem.erase(0, std::min(stem.find_first_not_of('0'), stem.size() - 1));
  }
  return whole_number(stem);
}

Conversion convert(const Annotations& annotations, DatasetFormat format, const path& out) {
  Conversion conversion;
  conversion.lost = annotations.passed_over;
  const Entries entries = usable_entries(annotations, conversion);
  if (entries.empty()) {
    throw DataError("{} has no entry that can be written", annotations.file.string());
  }
  switch (format) {
    case DatasetFormat::kJsonl:
      write_jsonl(entries, out, conversion);
      break;
    case DatasetFormat::kRefer:
      write_refer(entries, out, conversion);
      break;
    case DatasetFormat::kIndex:
      write_index(entries, out, conversion);
      break;
    case DatasetFormat::kSeqtr:
      write_seqtr(entries, out, conversion);
      break;
  }
  count_lost(entries, places_of(format, out), conversion);
  return conversion;
}

std::int64_t fill_sizes(Annotations& annotations, const path& folder) {
  ImageFinder finder(folder);
  std::unordered_map<std::string, image::ImageSize> sizes;
  std::int64_t unknown = 0;
  for (Entry& entry : annotations.entries) {
    if (!entry.fault.empty() || entry.referent->width > 0) continue;
    const auto [size, is_new] = sizes.try_emplace(entry.image);
    if (is_new) {
      try {
        if (const auto file = finder.find(entry.image)) {
          size->second = image::read_image_size(*file);
        }
      } catch (const DataError&) {
        size->second = {};  // `data check` says what is wrong with it
      }
    }
    if (size->second.width == 0) {
      ++unknown;
      continue;
    }
    Referent referent = *entry.referent;
    referent.width = size->second.width;
    referent.height = size->second.height;
    entry.referent = std::make_shared<const Referent>(std::move(referent));
  }
  return unknown;
}

}  // namespace referent::data
