// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "annotations.h"
#include "golden.h"
#include "referent/batch/normalise.h"
#include "referent/data/transform.h"
#include "referent/formats/rle.h"
#include "referent/image/decode.h"
#include "referent/loader/collate.h"
#include "referent/text/config.h"

namespace referent::app {
namespace {

using nlohmann::json;
using torch::Tensor;

/// A grey level after normalising: 1 / 255 over the smallest deviation.
constexpr double kLevel = 0.0175;

/// What the released pipeline does with a photo; `filter` is one of its two ways to resize.
data::TransformContext context_of(const json& config, data::ResizeFilter filter) {
  data::TransformContext context;
  context.image.size = config.at("image_size");
  context.image.whole_pixel_boxes = false;
  context.image.resize = filter;
  context.image.mask_resize = image::MaskResize::kReleased;
  context.text.length = config.at("max_tokens");
  context.tokenizer = text::make_tokenizer({});
  return context;
}

data::Example example_of(const json& item, const std::filesystem::path& photo,
                         const formats::Annotation& annotation) {
  const auto box = item.at("box_xywh").get<std::vector<double>>();
  data::Example example;
  example.id = std::to_string(annotation.id);
  example.image = photo;
  example.expression = item.at("expression");
  example.box = {box[0], box[1], box[0] + box[2], box[1] + box[3]};
  example.mask = std::make_shared<formats::Segmentation>(annotation.segmentation);
  return example;
}

data::Sample sample_of(const json& config, const data::Example& example,
                       data::ResizeFilter filter) {
  RandomStream unused(0);
  return (*data::make_evaluation_transform(context_of(config, filter)))(
      example, image::decode_file(example.image, image::Orientation::kIgnore), unused);
}

/// Ids, types and what is no padding, [3, length].
Tensor token_rows(const Batch& batch) {
  return torch::stack({batch.tokens[0], torch::zeros_like(batch.tokens[0]),
                       batch.token_padding[0].logical_not().to(torch::kInt64)});
}

Tensor images_of(const Batch& batch) {
  return normalised_images(batch.images, batch.image_padding);
}

/// Everything a sample gives under its golden names.
std::map<std::string, Tensor> values_of(const json& config, const data::Example& example,
                                        const std::string& index) {
  const data::Sample sample = sample_of(config, example, data::ResizeFilter::kPlain);
  const data::Sample pillow = sample_of(config, example, data::ResizeFilter::kAntialias);
  const std::int64_t length = config.at("max_tokens");
  const Batch batch = loader::collate({&sample, 1}, length, /*pad_id=*/0);
  const std::vector<std::uint8_t>& pixels = sample.image.pixels;
  return {
      {index + ".image", images_of(batch)},
      {index + ".image_pil", images_of(loader::collate({&pillow, 1}, length, /*pad_id=*/0))},
      {index + ".box", batch.boxes[0]},
      {index + ".tokens", token_rows(batch)},
      {index + ".mask", batch.masks.unsqueeze(1)},
      {index + ".valid", batch.image_padding[0].logical_not()},
      {"resized_u8." + index,
       torch::tensor(torch::ArrayRef<std::uint8_t>(pixels.data(), pixels.size()), torch::kUInt8)
           .view({sample.height, sample.width, 3})},
  };
}

/// One grey level; but decoders of JPEG differ, so that one sample in a hundred may by three.
Tolerance pixel_tolerance(const GoldenCase& golden, const json& entry, const Tensor& value,
                          double level, double tolerance) {
  const Tensor sampled =
      value.flatten().slice(0, 0, std::nullopt, entry.at("stride").get<std::int64_t>());
  const Tensor expected = golden.tensor("out." + entry.at("name").get<std::string>()).flatten();
  if (sampled.numel() != expected.numel()) return {tolerance, 0};
  const Tensor difference = (sampled.to(torch::kFloat64) - expected.to(torch::kFloat64)).abs();
  const double beyond = difference.gt(tolerance).to(torch::kFloat64).mean().item<double>();
  constexpr double kMostBeyond = 0.01;
  return {beyond > 0 && beyond <= kMostBeyond ? 3 * level : tolerance, 0};
}

void compare(const GoldenCase& golden, const json& entry, const Tensor& value, CaseReport& report) {
  const auto name = entry.at("name").get<std::string>();
  const double tolerance = golden.json().at("tolerance").at("image");
  if (name.find(".image") != std::string::npos) {
    golden.compare_output(report, entry, value,
                          pixel_tolerance(golden, entry, value, kLevel, tolerance));
  } else if (name.starts_with("resized_u8.")) {
    golden.compare_output(report, entry, value, pixel_tolerance(golden, entry, value, 1, 1));
  } else if (name.ends_with(".box")) {
    golden.compare_output(report, entry, value,
                          {golden.json().at("tolerance").at("box").get<double>(), 0});
  } else {
    golden.compare_output(report, entry, value, {0, 0});  // masks and tokens
  }
}

/// The whole mask, of which the stored elements are a part.
void compare_mask(const json& item, const std::string& index, const Tensor& mask,
                  CaseReport& report) {
  const Tensor bytes = mask.contiguous();
  const formats::Rle rle = formats::rle_from_mask(
      {bytes.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(bytes.numel())},
      bytes.size(-2), bytes.size(-1));
  report.check(index + ".mask_rle",
               formats::encode_rle_counts(rle.counts) == item.at("mask_rle").get<std::string>(),
               fmt::format("the mask has {} pixels, expected {}", formats::rle_area(rle),
                           item.at("mask_pixels").get<std::int64_t>()));
}

}  // namespace

void run_vg_law_data(const GoldenCase& golden, CaseReport& report) {
  const json& doc = golden.json();
  const std::filesystem::path data = photo_folder(golden);
  const auto annotations = read_annotations(data);
  std::map<std::string, Tensor> values;
  for (const json& item : doc.at("inputs").at("samples")) {
    const auto photo = data / "coco" / "train2014" / item.at("image").get<std::string>();
    const auto annotation = annotations.find(item.at("annotation").get<std::int64_t>());
    if (!std::filesystem::exists(photo) || annotation == annotations.end()) {
      report.skip(fmt::format("the photo {} or its annotation is absent (set REFERENT_TEST_DATA)",
                              item.at("image").get<std::string>()));
      return;
    }
    const std::string index = std::to_string(item.at("index").get<std::int64_t>());
    values.merge(values_of(doc.at("config"), example_of(item, photo, annotation->second), index));
    compare_mask(item, index, values.at(index + ".mask"), report);
  }
  for (const json& entry : doc.at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    const auto value = values.find(name);
    if (value == values.end()) {
      report.check(name, false, "no such output is known");
    } else {
      compare(golden, entry, value->second, report);
    }
  }
}

}  // namespace referent::app
