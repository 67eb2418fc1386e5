// SPDX-License-Identifier: Apache-2.0
#include "golden.h"
#include "referent/batch/normalise.h"
#include "referent/core/file.h"
#include "referent/core/hash.h"
#include "referent/data/transform.h"
#include "referent/image/decode.h"
#include "referent/loader/collate.h"
#include "referent/metrics/box.h"
#include "referent/metrics/grounding_metrics.h"
#include "referent/text/config.h"

namespace referent::app {
namespace {

using nlohmann::json;
using torch::Tensor;

std::string crc_of(const image::Image& image) {
  return fmt::format("{:08x}", crc32(std::as_bytes(std::span(image.pixels))));
}

Tensor pixels_of(const image::Image& image) {
  return torch::tensor(torch::ArrayRef<std::uint8_t>(image.pixels.data(), image.pixels.size()),
                       torch::kUInt8)
      .view({image.height, image.width, 3});
}

data::Example example_of(const json& item, const std::filesystem::path& photos) {
  const auto box = item.at("box_xywh").get<std::vector<double>>();
  data::Example example;
  example.id = item.at("file");
  example.image = photos / item.at("file").get<std::string>();
  example.expression = item.at("expression");
  example.box = {box[0], box[1], box[0] + box[2], box[1] + box[3]};
  return example;
}

/// The picture and the words as the model takes them.
void compare_sample(const GoldenCase& golden, const json& item, std::size_t index,
                    const data::Sample& sample, const Tensor& tensor, bool exact,
                    CaseReport& report) {
  const auto name = [&](const char* leaf) { return fmt::format("{}{:02}", leaf, index); };
  report.check(name("place"), sample.top == item.at("top") && sample.left == item.at("left"),
               fmt::format("expected top {} left {}, got {} {}", item.at("top").get<int>(),
                           item.at("left").get<int>(), sample.top, sample.left));
  std::vector<std::int64_t> ids = sample.tokens.ids;
  const auto expected_ids = item.at("token_ids").get<std::vector<std::int64_t>>();
  ids.resize(expected_ids.size(), 0);
  report.check(name("ids"), ids == expected_ids, "the token ids differ");
  report.compare(name("target"),
                 torch::tensor(std::vector<float>(sample.target.begin(), sample.target.end())),
                 torch::tensor(item.at("target").get<std::vector<double>>()), {1e-6, 0});
  for (const json& entry : golden.json().at("outputs")) {
    if (entry.at("name") == name("resized")) {
      golden.compare_output(report, entry, pixels_of(sample.image), {exact ? 0.0 : 1.0, 0});
    } else if (entry.at("name") == name("tensor")) {
      golden.compare_output(report, entry, tensor, {exact ? 1e-6 : 0.02, exact ? 1e-6 : 0});
    }
  }
}

}  // namespace

void run_mmca_images(const GoldenCase& golden, CaseReport& report) {
  const json& doc = golden.json();
  const std::filesystem::path photos = photo_folder(golden);
  const auto weights = doc.at("weights_as").get<std::string>();
  const std::filesystem::path weights_case =
      golden.path().parent_path() / (weights.substr(0, weights.find(' ')) + ".json");
  for (const json& item : doc.at("images")) {
    if (!std::filesystem::exists(photos / item.at("file").get<std::string>())) {
      report.skip(fmt::format("the photo {} is absent (set REFERENT_TEST_DATA)",
                              item.at("file").get<std::string>()));
      return;
    }
  }
  const auto model = make_mmca_model(GoldenCase(weights_case), report);
  model->eval();
  const torch::NoGradGuard no_grad;

  const std::int64_t length = doc.at("config").at("max_query_len");
  data::TransformContext context;
  context.image.size = doc.at("config").at("imsize");
  context.text.length = length;
  context.tokenizer = text::make_tokenizer({});
  const auto transform = data::make_evaluation_transform(context);

  metrics::GroundingMetrics metrics;
  std::size_t index = 0;
  for (const json& item : doc.at("images")) {
    const data::Example example = example_of(item, photos);
    image::Image picture = image::decode_file(example.image, image::Orientation::kIgnore);
    const bool same_decoder = crc_of(picture) == item.at("decoded_crc32").get<std::string>();
    RandomStream unused(0);
    const data::Sample sample = (*transform)(example, std::move(picture), unused);
    const bool exact =
        same_decoder && crc_of(sample.image) == item.at("resized_crc32").get<std::string>();
    const Batch batch = loader::collate({&sample, 1}, length, context.tokenizer->pad_id());
    compare_sample(golden, item, index, sample,
                   normalised_images(batch.images, batch.image_padding)[0], exact, report);

    const Tensor box = model->forward(batch).boxes.view({4}).contiguous();
    report.compare(
        fmt::format("predicted{:02}", index), box,
        torch::tensor(item.at("predicted").get<std::vector<double>>()),
        tolerance_of(doc.at("tolerance").at(exact ? "boxes" : "boxes_with_other_decoder")), 1.0);
    const float* value = box.const_data_ptr<float>();
    const std::array<float, 4>& target = sample.target;
    const float iou = metrics::evaluation_iou({value[0], value[1], value[2], value[3]},
                                              {target[0], target[1], target[2], target[3]});
    report.compare(fmt::format("iou{:02}", index), iou, item.at("iou").get<double>(),
                   {exact ? 1e-5 : 5e-3, 0});
    metrics.add(static_cast<std::int64_t>(index), iou);
    ++index;
  }
  const json& evaluation = doc.at("evaluation");
  report.compare("accuracy", metrics.precision(0.5F), evaluation.at("accuracy"), {1e-9, 0});
  report.compare("miou", metrics.mean_iou(), evaluation.at("miou"), {1e-5, 0});
}

}  // namespace referent::app
