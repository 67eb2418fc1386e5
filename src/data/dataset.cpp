// SPDX-License-Identifier: Apache-2.0
#include "referent/data/dataset.h"

#include <cmath>
#include <system_error>
#include <utility>

#include "image_finder.h"
#include "readers.h"
#include "referent/core/error.h"
#include "referent/text/utf8.h"

namespace referent::data {
namespace {

/// Formats of which nobody means all splits at once.
void require_split(const DatasetConfig& config) {
  if (!config.split.empty()) return;
  std::error_code code;
  const bool is_refer =
      config.format == DatasetFormat::kRefer || config.format == DatasetFormat::kSeqtr;
  if (is_refer) {
    throw ConfigError("{}: name a split, such as train, val or testA", config.path.string());
  }
  if (config.format == DatasetFormat::kIndex && std::filesystem::is_directory(config.path, code)) {
    throw ConfigError("{} is a folder of index files: name a split of it", config.path.string());
  }
}

/// Throws DataError unless the box is finite with x1 <= x2 and y1 <= y2. (ReferIt's boxes name the
/// first and the last pixel, so that one without width may be right; JSON lines need an area.)
void check_box(const image::Box& box, bool needs_area, const std::string& where) {
  const bool finite = std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
                      std::isfinite(box.y2);
  if (!finite || box.width() < 0 || box.height() < 0 ||
      (needs_area && (box.width() == 0 || box.height() == 0))) {
    throw DataError("{}: the box from ({}, {}) to ({}, {}) has {}", where, box.x1, box.y1, box.x2,
                    box.y2, needs_area ? "no area" : "no extent");
  }
}

/// The entry as an example; throws DataError where it cannot be one.
Example to_example(Entry entry, bool needs_area, const std::string& where) {
  if (!entry.fault.empty()) throw DataError("{}: {}", where, entry.fault);
  if (!entry.valid_utf8) throw DataError("{}: it is not valid UTF-8", where);
  text::check_utf8(entry.expression, fmt::format("{}: the expression", where));
  if (entry.expression.find_first_not_of(" \t\r\n\f\v") == std::string::npos) {
    throw DataError("{}: the expression is empty", where);
  }
  if (!entry.box) throw DataError("{}: \"box\" is missing", where);
  const image::Box box = entry.box->box();
  check_box(box, needs_area, where);
  return {std::move(entry.id),  std::move(entry.image),    std::move(entry.expression), box,
          entry.referent->mask, entry.referent->same_class};
}

/// Throws DataError for outlines that can be no mask.
void check_mask(const formats::Segmentation& mask, const std::string& where) {
  try {
    formats::check_segmentation(mask);
  } catch (const DataError& error) {
    throw DataError("{}: the mask: {}", where, error.what());
  }
}

std::vector<Example> to_examples(Annotations& annotations, DatasetFormat format) {
  std::vector<Example> examples;
  examples.reserve(annotations.entries.size());
  std::shared_ptr<const formats::Segmentation> checked;  // neighbours share one
  for (Entry& entry : annotations.entries) {
    const std::string where = annotations.file.string() + entry.where;
    Example example = to_example(std::move(entry), format == DatasetFormat::kJsonl, where);
    if (example.mask && example.mask != checked) check_mask(*example.mask, where);
    checked = example.mask;
    examples.push_back(std::move(example));
  }
  return examples;
}

}  // namespace

image::Box WrittenBox::box() const {
  const auto& [a, b, c, d] = numbers;
  return corners ? image::Box{a, b, c, d} : image::Box{a, b, a + c, b + d};
}

std::string referent_key(const Entry& entry) {
  std::string key = entry.image + '\0' + entry.referent->object;
  if (entry.referent->object.empty() && entry.box) {
    for (const double number : entry.box->numbers) key += fmt::format(" {}", number);
  }
  return key;
}

Annotations read_annotations(const DatasetConfig& config, Masks masks) {
  switch (config.format) {
    case DatasetFormat::kJsonl:
      return read_jsonl(config, masks);
    case DatasetFormat::kRefer:
      return read_refer(config, masks);
    case DatasetFormat::kIndex:
      return read_index(config);
    case DatasetFormat::kSeqtr:
      return read_seqtr(config, masks);
  }
  throw std::logic_error("unknown format of a data set");
}

Dataset open_dataset(const DatasetConfig& config, Masks masks) {
  require_split(config);
  Annotations annotations = read_annotations(config, masks);
  if (annotations.entries.empty()) {
    throw DataError("{} holds no examples", config.path.string());
  }
  Dataset dataset;
  dataset.name = std::move(annotations.name);
  dataset.split = config.split.empty() && config.format == DatasetFormat::kIndex
                      ? annotations.entries.front().split
                      : config.split;
  ImageFinder finder(config.images.empty() ? annotations.folder : config.images);
  std::string first_missing;
  std::vector<Example> examples = to_examples(annotations, config.format);
  for (Example& example : examples) {
    if (auto path = finder.find(example.image)) {
      example.image = std::move(*path);
      dataset.without_mask += example.mask ? 0 : 1;
      dataset.examples.push_back(std::move(example));
    } else if (dataset.missing++ == 0) {
      first_missing = example.image.string();
    }
  }
  if (dataset.missing > 0 && config.missing == MissingImages::kError) {
    throw DataError(
        "{}: the images of {} of {} examples are missing, the first is {}; looked in {}: give "
        "their folder, or skip the missing ones",
        config.path.string(), dataset.missing, examples.size(), first_missing,
        finder.folder().empty() ? "." : finder.folder().string());
  }
  return dataset;
}

std::vector<std::string> read_expressions(const DatasetConfig& config) {
  std::vector<std::string> expressions;
  for (Entry& entry : read_annotations(config, Masks::kIgnore).entries) {
    expressions.push_back(std::move(entry.expression));
  }
  return expressions;
}

DatasetConfig parse_dataset_argument(std::string_view argument) {
  const auto wrong = [&](std::string_view why) {
    return ConfigError(
        "data set \"{}\": {}; expected FORMAT:PATH[:SPLIT] with FORMAT jsonl, refer, index or "
        "seqtr",
        argument, why);
  };
  const std::size_t colon = argument.find(':');
  if (colon == std::string_view::npos) throw wrong("there is no colon");
  DatasetConfig config;
  bool known = false;
  for (const auto& [format, name] : config::EnumNames<DatasetFormat>::kNames) {
    if (argument.substr(0, colon) != name) continue;
    config.format = format;
    known = true;
  }
  if (!known) throw wrong("the format is unknown");
  std::string_view path = argument.substr(colon + 1);
  std::error_code code;
  const std::size_t last = path.rfind(':');
  if (last != std::string_view::npos && !std::filesystem::exists(path, code)) {
    config.split = path.substr(last + 1);
    path = path.substr(0, last);
    if (config.split.empty()) throw wrong("the split is empty");
  }
  if (path.empty()) throw wrong("the path is empty");
  config.path = path;
  return config;
}

}  // namespace referent::data
