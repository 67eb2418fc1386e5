// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "referent/config/writer.h"
#include "referent/core/error.h"
#include "referent/engine/config.h"

namespace referent::engine {
namespace {

TEST(RunConfigTest, APresetFillsWhatIsNotWritten) {
  const RunConfig config = parse_run_config(
      R"({"model": {"preset": "mmca-r101", "conditioning": {"rank": 16}}})", "test");
  EXPECT_EQ(config.model.visual_encoder.backbone.depth, 101);
  EXPECT_EQ(config.model.conditioning.type, conditioning::Type::kMmca);
  EXPECT_EQ(config.model.conditioning.rank, 16);
  EXPECT_EQ(config.model.decoder.transformer.layers, 6);
}

TEST(RunConfigTest, EveryPresetIsAModel) {
  const std::vector<std::string> names = preset_names();
  EXPECT_THAT(names, ::testing::IsSupersetOf({"transvg-r50", "vg-law-vitb"}));
  for (const std::string& name : names) {
    const RunConfig config = parse_run_config(R"({"model": {"preset": ")" + name + "\"}}", "test");
    EXPECT_EQ(config.model.preset, name);
    EXPECT_NE(config::dump(config.model), config::dump(models::ModelConfig{})) << name;
  }
}

TEST(RunConfigTest, ASentencePieceNeedsItsModel) {
  const auto config = [](const std::string& tokenizer) {
    return R"({"model": {"text_encoder": {"tokenizer": )" + tokenizer + "}}}";
  };
  EXPECT_THROW(parse_run_config(config(R"({"type": "sentencepiece"})"), "test"), ConfigError);
  const RunConfig sound =
      parse_run_config(config(R"({"type": "sentencepiece", "model": "/a.model"})"), "test");
  EXPECT_EQ(sound.model.text_encoder.tokenizer.model, "/a.model");
}

TEST(RunConfigTest, WhatIsWrittenWinsOverThePreset) {
  const RunConfig config = parse_run_config(
      R"({"model": {"preset": "transvg-r50", "visual_encoder": {"backbone": {"depth": 18}}}})",
      "test");
  EXPECT_EQ(config.model.visual_encoder.backbone.depth, 18);
  EXPECT_EQ(config.model.conditioning.type, conditioning::Type::kNone);
}

TEST(RunConfigTest, OverridesComeBeforeThePreset) {
  const std::vector<std::string> overrides = {"model.preset=transvg-r50"};
  const RunConfig config =
      parse_run_config(R"({"model": {"preset": "mmca-r50"}})", "test", overrides);
  EXPECT_EQ(config.model.conditioning.type, conditioning::Type::kNone);
}

TEST(RunConfigTest, FaultsAreNamed) {
  const auto fault = [](const char* text) -> std::string {
    try {
      parse_run_config(text, "test");
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(fault(R"({"model": {"preset": "mmca-r5"}})"), HasSubstr("/model/preset"));
  EXPECT_THAT(fault(R"({"train": {"epoch": 3}})"), HasSubstr("epochs"));
  EXPECT_THAT(fault(R"({"train": {"eval_data": ["val"]}})"), HasSubstr("/train/eval_data"));
  EXPECT_THAT(fault(R"({"train": {"best_metric": "mask_mean_iou"}})"),
              HasSubstr("/model/heads/mask"));
  EXPECT_EQ(
      fault(R"({"model": {"heads": {"mask": {}}}, "train": {"best_metric": "mask_mean_iou"}})"),
      "");
}

TEST(RunConfigTest, ATextWithoutTheNewerKeysHasTheirDefaults) {
  const RunConfig config = parse_run_config(
      R"({"name": "older",
          "model": {"type": "grounder", "conditioning": {"type": "mmca", "rank": 16},
                    "heads": {"box": {"layers": 3}}},
          "data": {"image": {"size": 640}, "augment": {"type": "released"}},
          "train": {"optimizer": {"learning_rate": 1e-4}, "schedule": {"type": "step"},
                    "loss": {"box": "l1"}}})",
      "test");
  EXPECT_FALSE(config.model.heads.mask.has_value());
  EXPECT_FALSE(config.model.heads.box.value().hidden.has_value());
  EXPECT_EQ(config.model.conditioning.variant, conditioning::Variant::kReleased);
  EXPECT_TRUE(config.model.text_encoder.projection);
  EXPECT_EQ(config.data.image.resize, data::ResizeFilter::kAntialias);
  EXPECT_EQ(config.data.image.mask_resize, image::MaskResize::kPixelCentre);
  EXPECT_TRUE(config.data.augment.color);
  EXPECT_TRUE(config.train.optimizer.bias_correction);
  EXPECT_TRUE(config.train.schedule.drops.empty());
  EXPECT_EQ(config.train.loss.focal_weight, 1.0);
  EXPECT_EQ(config.train.loss.dice_weight, 1.0);
}

TEST(RunConfigTest, APresetBringsTheInputsItWasPublishedWith) {
  const auto config = [](const std::string& data) {
    return parse_run_config(R"({"model": {"preset": "vg-law-vitb"}, "data": )" + data + "}",
                            "test");
  };
  EXPECT_EQ(config("{}").data.image.size, 448);
  EXPECT_EQ(config("{}").data.text.length, 40);
  EXPECT_EQ(config("{}").data.image.resize, data::ResizeFilter::kPlain);
  EXPECT_EQ(config(R"({"image": {"size": 224}})").data.image.size, 224);
  const RunConfig bare = parse_run_config(R"({"model": {"preset": "vg-law-vitb"}})", "test");
  EXPECT_EQ(bare.data.image.size, 448);
}

TEST(RunConfigTest, TheDumpReadsBackEqual) {
  const RunConfig config = parse_run_config(
      R"({"name": "a", "model": {"preset": "mmca-r50"},
          "data": {"eval": {"val": {"path": "/d/val.jsonl"}}},
          "train": {"max_steps": 7, "best_metric": "mean_iou", "eval_data": ["val"]}})",
      "test");
  const std::string text = dump_run_config(config);
  const RunConfig again = parse_run_config(text, "dump");
  EXPECT_EQ(dump_run_config(again), text);
  EXPECT_EQ(again.train.max_steps, 7);
  EXPECT_EQ(again.train.best_metric, BestMetric::kMeanIou);
}

}  // namespace
}  // namespace referent::engine
