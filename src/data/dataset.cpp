// SPDX-License-Identifier: Apache-2.0
#include "referent/data/dataset.h"

#include <cmath>
#include <system_error>
#include <utility>

#include "annotations.h"
#include "image_finder.h"
#include "referent/core/error.h"
#include "referent/text/utf8.h"

namespace referent::data {
namespace {

Annotations read_annotations(const DatasetConfig& config, Masks masks) {
  switch (config.format) {
    case DatasetFormat::kJsonl:
      return read_jsonl(config, masks);
    case DatasetFormat::kRefer:
      return read_refer(config, masks);
    case DatasetFormat::kIndex:
      return read_index(config);
  }
  throw std::logic_error("unknown format of a data set");
}

}  // namespace

void check_example(const Example& example, const std::string& where) {
  text::check_utf8(example.expression, fmt::format("{}: the expression", where));
  if (example.expression.find_first_not_of(" \t\r\n\f\v") == std::string::npos) {
    throw DataError("{}: the expression is empty", where);
  }
  const image::Box& box = example.box;
  const bool finite = std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
                      std::isfinite(box.y2);
  if (!finite || box.width() < 0 || box.height() < 0) {
    throw DataError("{}: the box from ({}, {}) to ({}, {}) has no extent", where, box.x1, box.y1,
                    box.x2, box.y2);
  }
}

std::shared_ptr<const formats::Segmentation> usable_mask(formats::Segmentation segmentation,
                                                         const std::string& where) {
  if (segmentation.empty()) return nullptr;
  try {
    formats::check_segmentation(segmentation);
  } catch (const DataError& error) {
    throw DataError("{}: the mask: {}", where, error.what());
  }
  return std::make_shared<const formats::Segmentation>(std::move(segmentation));
}

Dataset open_dataset(const DatasetConfig& config, Masks masks) {
  Annotations annotations = read_annotations(config, masks);
  if (annotations.examples.empty()) {
    throw DataError("{} holds no examples", config.path.string());
  }
  ImageFinder finder(config.images.empty() ? annotations.folder : config.images);
  Dataset dataset{std::move(annotations.name), std::move(annotations.split), {}, 0, 0};
  std::string first_missing;
  for (Example& example : annotations.examples) {
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
        config.path.string(), dataset.missing, annotations.examples.size(), first_missing,
        finder.folder().empty() ? "." : finder.folder().string());
  }
  return dataset;
}

DatasetConfig parse_dataset_argument(std::string_view argument) {
  const auto wrong = [&](std::string_view why) {
    return ConfigError(
        "data set \"{}\": {}; expected FORMAT:PATH[:SPLIT] with FORMAT jsonl, refer "
        "or index",
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
