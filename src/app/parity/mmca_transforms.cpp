// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "golden.h"
#include "referent/batch/normalise.h"
#include "referent/core/hash.h"
#include "referent/core/random.h"
#include "referent/data/released_augment.h"
#include "referent/data/view.h"
#include "referent/image/decode.h"
#include "referent/loader/collate.h"

namespace referent::app {
namespace {

using nlohmann::json;
using torch::Tensor;

std::vector<double> numbers(const json& value) {
  if (value.is_null()) return {};
  return value.is_array() ? value.get<std::vector<double>>()
                          : std::vector<double>{value.get<double>()};
}

data::ReplayedDraws replay(const json& item) {
  std::vector<data::RecordedDraw> record;
  for (const json& draw : item.at("draws")) {
    record.push_back({draw.at("fn"), numbers(draw.at("args")), numbers(draw.at("value"))});
  }
  return data::ReplayedDraws(std::move(record));
}

/// The released name of each of our stages.
std::string released_stage(std::string_view stage) {
  if (stage == "resize") return "RandomSelect";
  if (stage == "color_jitter") return "ColorJitter";
  if (stage == "blur") return "GaussianBlur";
  return "RandomHorizontalFlip";
}

/// One stage of an item: the box, and the pixels by their CRC, or where that differs, by the stored
/// samples within one step.
void compare_stage(const GoldenCase& golden, const json& item, const std::string& stage,
                   const data::View& view, CaseReport& report) {
  const std::string name = fmt::format("{}.{}", item.at("name").get<std::string>(), stage);
  for (const json& expected : item.at("stages")) {
    if (expected.at("after") != stage) continue;
    report.compare(name + ".box",
                   torch::tensor(std::vector<float>(view.box.begin(), view.box.end())),
                   torch::tensor(expected.at("box").get<std::vector<double>>()), {1e-6, 1e-6});
    const std::string crc =
        fmt::format("{:08x}", crc32(std::as_bytes(std::span(view.image.pixels))));
    if (crc == expected.at("crc32").get<std::string>()) {
      report.check(name + ".pixels", true, {});
      return;
    }
  }
  for (const json& entry : golden.json().at("outputs")) {
    if (entry.at("name") != name) continue;
    const Tensor pixels = torch::tensor(torch::ArrayRef<std::uint8_t>(view.image.pixels.data(),
                                                                      view.image.pixels.size()),
                                        torch::kUInt8)
                              .view({view.image.height, view.image.width, 3});
    golden.compare_output(report, entry, pixels, {1, 0});
  }
}

void run_item(const GoldenCase& golden, const json& item, const std::filesystem::path& photos,
              CaseReport& report) {
  const json& config = golden.json().at("config");
  data::AugmentConfig augment;
  augment.type = data::AugmentType::kReleased;
  augment.scale = config.at("aug_scale");
  augment.crop = config.at("aug_crop");
  augment.translate = config.at("aug_translate");
  augment.blur = item.at("aug_blur");
  augment.released_quirks = true;
  const std::int64_t size = config.at("imsize");

  const auto box = item.at("box_xyxy_int").get<std::vector<double>>();
  data::Example example;
  example.image = photos / item.at("file").get<std::string>();
  example.expression = item.at("expression");
  example.box = {box[0], box[1], box[2], box[3]};
  data::ReplayedDraws draws = replay(item);
  const data::Sample sample = data::ReleasedAugment(augment, size)(
      data::make_view(example, image::decode_file(example.image, image::Orientation::kIgnore),
                      /*whole_pixels=*/false),
      draws, [&](std::string_view stage, const data::View& view) {
        compare_stage(golden, item, released_stage(stage), view, report);
      });

  const auto name = item.at("name").get<std::string>();
  report.compare(name + ".final_box",
                 torch::tensor(std::vector<float>(sample.target.begin(), sample.target.end())),
                 torch::tensor(item.at("final_box").get<std::vector<double>>()), {1e-6, 0});
  report.check(name + ".text", sample.expression == item.at("final_text").get<std::string>(),
               fmt::format("got \"{}\"", sample.expression));
  report.check(name + ".draws", draws.remaining() == 0,
               fmt::format("{} recorded draws were not asked for", draws.remaining()));
  const Batch batch = loader::collate({&sample, 1}, /*length=*/3, /*pad_id=*/0);
  report.check(name + ".mask_valid",
               batch.image_padding.logical_not().sum().item<std::int64_t>() ==
                   item.at("mask_valid").get<std::int64_t>(),
               "the mask covers another area");
  for (const json& entry : golden.json().at("outputs")) {
    if (entry.at("name") == name + ".tensor") {
      golden.compare_output(report, entry, normalised_images(batch.images, batch.image_padding)[0],
                            {0.02, 0});
    }
  }
}

}  // namespace

void run_mmca_transforms(const GoldenCase& golden, CaseReport& report) {
  const std::filesystem::path photos = photo_folder(golden);
  for (const json& item : golden.json().at("items")) {
    if (!std::filesystem::exists(photos / item.at("file").get<std::string>())) {
      report.skip(fmt::format("the photo {} is absent (set REFERENT_TEST_DATA)",
                              item.at("file").get<std::string>()));
      return;
    }
  }
  for (const json& item : golden.json().at("items")) run_item(golden, item, photos, report);
}

}  // namespace referent::app
