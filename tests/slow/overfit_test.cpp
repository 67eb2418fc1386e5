// SPDX-License-Identifier: Apache-2.0
// Every visual encoder under every conditioning learns 32 real photos by heart, boxes and masks.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "referent/data/dataset.h"
#include "referent/engine/trainer.h"
#include "referent/image/decode.h"
#include "support/test_data.h"
#include "support/tiny_run.h"

namespace referent::engine {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kPhotos = 32;

/// One expression of each of 32 photos that have a mask, as JSON lines.
void write_photos(const Path& file) {
  const Path root = testing::test_data();
  data::DatasetConfig config;
  config.format = data::DatasetFormat::kRefer;
  config.images = root / "coco/train2014";
  config.split = "train";
  std::ofstream lines(file);
  std::set<Path> photos;
  for (const char* folder : {"refcoco@unc", "refcoco+@unc", "refcocog@umd"}) {
    config.path = root / "refer" / folder;
    for (const data::Example& example : data::open_dataset(config, data::Masks::kRead).examples) {
      if (photos.size() == kPhotos) return;
      if (example.mask == nullptr || !photos.insert(example.image).second) continue;
      const image::Image photo = image::decode_file(example.image, image::Orientation::kIgnore);
      const formats::Rle mask = image::rle_of(*example.mask, photo.width, photo.height);
      const image::Box& box = example.box;
      lines << Json{{"image", example.image.string()},
                    {"expression", example.expression},
                    {"box", {box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1}},
                    {"mask", {{"size", {mask.height, mask.width}}, {"counts", mask.counts}}}}
                   .dump()
            << "\n";
    }
  }
}

Json visual_encoder(const std::string& type) {
  if (type == "vitdet") {
    return {{"type", type},
            {"vit",
             {{"patch", 8},
              {"width", 96},
              {"layers", 3},
              {"heads", 4},
              {"mlp_ratio", 2},
              {"window", 8},
              {"global_layers", {1, 2}},
              {"pretrain_size", 96},
              {"drop_path", 0.0}}}};
  }
  return {{"type", type},
          {"backbone",
           {{"depth", 18},
            {"stages", 3},
            {"width", 16},
            {"normalisation", "batch"},
            {"frozen_stages", 0}}},
          {"transformer",
           {{"layers", 2},
            {"width", 96},
            {"heads", 4},
            {"feedforward", 192},
            {"dropout", 0.0},
            {"norm_first", true}}}};
}

/// Pooling on ViTDet as VG-LAW has it, the REG token on the other as MMCA has it.
Json model(const std::string& encoder, const std::string& conditioning) {
  const bool pooling = encoder == "vitdet";
  Json conditioned{{"type", conditioning}};
  if (conditioning == "mmca") {
    conditioned.update(Json{{"rank", 16}, {"gate_width", 32}, {"gate_hidden", 16}});
  }
  if (conditioning == "law") {
    conditioned.update(Json{{"rank", 16}, {"generator_heads", 4}, {"generator_reduction", 4}});
  }
  Json decoder{{"type", "language_pooling"}};
  if (!pooling) {
    decoder = {{"transformer",
                {{"layers", 2},
                 {"width", 96},
                 {"heads", 4},
                 {"feedforward", 192},
                 {"dropout", 0.0},
                 {"norm_first", true}}},
               {"position_in_values", true},
               {"embedding_deviation", 0.02}};
  }
  return {{"text_encoder",
           {{"layers", 1},
            {"width", 96},
            {"heads", 4},
            {"feedforward", 192},
            {"dropout", 0.0},
            {"pooler", false},
            {"projection", !pooling},
            {"embedding_deviation", 1.0}}},
          {"visual_encoder", visual_encoder(encoder)},
          {"conditioning", conditioned},
          {"decoder", decoder},
          {"heads", {{"box", {{"hidden", 96}}}, {"mask", {{"width", 32}}}}}};
}

class OverfitTest : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(OverfitTest, LearnsRealPhotosByHeart) {
  if (testing::test_data().empty()) GTEST_SKIP() << testing::kNoTestData;
  const testing::TemporaryFolder folder;
  const Path lines = folder.path() / "photos.jsonl";
  write_photos(lines);
  const auto& [encoder, conditioning] = GetParam();
  const Json document{
      {"name", "overfit"},
      {"model", model(encoder, conditioning)},
      {"data",
       {{"train", {{{"path", lines.string()}}}},
        {"eval", {{"photos", {{"path", lines.string()}}}}},
        {"image", {{"size", 96}, {"whole_pixel_boxes", false}}},
        {"text", {{"length", 24}}}}},
      {"train",
       {{"batch_size", 16},
        {"epochs", 300},
        {"eval_every_epochs", 0},
        {"optimizer",
         {{"learning_rate", 1e-3}, {"weight_decay", 0.0}, {"beta2", 0.95}, {"clip_norm", 1.0}}},
        {"loss", {{"box_weight", 10.0}, {"focal_weight", 20.0}, {"dice_weight", 3.0}}},
        {"schedule", {{"type", "cosine"}, {"warmup_steps", 20}}}}}};
  const RunConfig config = parse_run_config(document.dump(), "the overfitting run");
  const RunFolder run(folder.path() / "run", Existing::kRefuse);
  Trainer trainer(config, {.workers = 1});
  ASSERT_EQ(trainer.run(&run), Ended::kDone);
  const std::string metrics = read_text_file(run.path() / "metrics.jsonl");
  const std::size_t last = metrics.rfind('\n', metrics.size() - 2);
  const Json evaluation = Json::parse(metrics.substr(last + 1));
  ASSERT_EQ(evaluation["kind"], "eval");
  EXPECT_EQ(evaluation["prec@0.5"], 1.0);
  EXPECT_GE(evaluation["mask_mean_iou"], 0.85);
}

INSTANTIATE_TEST_SUITE_P(Combinations, OverfitTest,
                         ::testing::Values(std::pair{"resnet_detr", "none"},
                                           std::pair{"resnet_detr", "mmca"},
                                           std::pair{"resnet_detr", "law"},
                                           std::pair{"vitdet", "none"}, std::pair{"vitdet", "mmca"},
                                           std::pair{"vitdet", "law"}),
                         [](const auto& parameter) {
                           return std::string(parameter.param.first) + "_" + parameter.param.second;
                         });

}  // namespace
}  // namespace referent::engine
