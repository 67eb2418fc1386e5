// SPDX-License-Identifier: Apache-2.0
#include "referent/data/convert.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "referent/app/commands.h"
#include "referent/data/dataset.h"

namespace referent::app {
namespace {

using Json = nlohmann::ordered_json;

std::string conversion_json(const data::Conversion& conversion) {
  Json files = Json::array();
  for (const data::ConvertedFile& file : conversion.files) {
    files.push_back({{"path", file.path.string()}, {"expressions", file.expressions}});
  }
  Json lost = Json::array();
  for (const auto& [what, count] : conversion.lost) {
    lost.push_back({{"what", what}, {"count", count}});
  }
  const Json document{{"schema_version", 1}, {"files", files}, {"lost", lost}};
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string conversion_text(const data::Conversion& conversion) {
  std::string text;
  for (const data::ConvertedFile& file : conversion.files) {
    text += fmt::format("wrote {}", file.path.string());
    if (file.expressions > 0) text += fmt::format(" with {} expressions", file.expressions);
    text += '\n';
  }
  for (const auto& [what, count] : conversion.lost) {
    text += fmt::format("could not keep: {}, {} times\n", what, count);
  }
  return text;
}

}  // namespace

int run_data_convert(const DataConvertOptions& options, const CommonOptions& common) {
  data::DatasetConfig source = data::parse_dataset_argument(options.source);
  data::Annotations annotations = data::read_annotations(source, data::Masks::kRead);
  const bool wants_sizes = options.format == data::DatasetFormat::kRefer ||
                           options.format == data::DatasetFormat::kSeqtr;
  std::int64_t unsized_images = 0;
  if (wants_sizes) {
    unsized_images =
        data::fill_sizes(annotations, options.images.empty() ? annotations.folder : options.images);
  }
  data::Conversion conversion = data::convert(annotations, options.format, options.out);
  if (unsized_images > 0) {
    conversion.lost["sizes of images, which nobody tells (--images)"] = unsized_images;
  }
  fmt::print("{}", common.json ? conversion_json(conversion) : conversion_text(conversion));
  return 0;
}

}  // namespace referent::app
