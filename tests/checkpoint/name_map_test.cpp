// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/name_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "support/test_data.h"

namespace referent::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Pair {
  const char* family;
  const char* released;
  const char* native;
};

TEST(NameMapTest, RenamesInBothDirections) {
  for (const Pair& pair : {
           Pair{"transvg", "textmodel.bert.encoder.layer.11.output.dense.bias",
                "text_encoder.bert.encoder.layer.11.output.dense.bias"},
           Pair{"transvg", "text_proj.weight", "text_encoder.text_proj.weight"},
           Pair{"transvg", "visumodel.backbone.0.body.layer3.5.bn2.running_mean",
                "visual_encoder.backbone.layer3.5.bn2.running_mean"},
           Pair{"transvg", "visumodel.input_proj.bias", "visual_encoder.input_proj.bias"},
           Pair{"transvg", "visumodel.transformer.encoder.layers.5.self_attn.in_proj_weight",
                "visual_encoder.encoder.layers.5.self_attn.in_proj_weight"},
           Pair{"transvg", "visu_proj.weight", "decoder.visu_proj.weight"},
           Pair{"transvg", "reg_token.weight", "decoder.reg_token.weight"},
           Pair{"transvg", "vl_pos_embed.weight", "decoder.vl_pos_embed.weight"},
           Pair{"transvg", "vl_transformer.encoder.layers.0.norm2.bias",
                "decoder.layers.0.norm2.bias"},
           Pair{"transvg", "bbox_embed.layers.2.weight", "box_head.layers.2.weight"},
           Pair{"mmca", "visumodel.transformer.encoder.layers.10.text_linear_q.text_linear_w",
                "conditioning.encoder.layers.10.q.text_linear_w"},
           Pair{"mmca",
                "visumodel.transformer.encoder.layers.0.text_linear_k.gate_fusion."
                "mm_feat_embed_transform.2.bias",
                "conditioning.encoder.layers.0.k.gate_fusion.mm_feat_embed_transform.2.bias"},
           Pair{"mmca", "visumodel.backbone.0.multimodal_layers.0.text_linear_b",
                "conditioning.backbone.layer2.text_linear_b"},
           Pair{"mmca", "visumodel.backbone.0.multimodal_layers.2.visual_conv_static_up.weight",
                "conditioning.backbone.layer4.visual_conv_static_up.weight"},
           Pair{"mmca", "visumodel.transformer.encoder.layers.1.linear1.weight",
                "visual_encoder.encoder.layers.1.linear1.weight"},
           Pair{"detr", "backbone.0.body.conv1.weight", "visual_encoder.backbone.conv1.weight"},
           Pair{"detr", "input_proj.weight", "visual_encoder.input_proj.weight"},
           Pair{"detr", "transformer.encoder.layers.3.linear2.bias",
                "visual_encoder.encoder.layers.3.linear2.bias"},
           Pair{"bert", "bert.pooler.dense.weight", "text_encoder.bert.pooler.dense.weight"},
           Pair{"vg_law", "text_encoder.encoder.layer.5.output.dense.bias",
                "text_encoder.bert.encoder.layer.5.output.dense.bias"},
           Pair{"vg_law", "visual_encoder.blocks.11.attn.rel_pos_h",
                "visual_encoder.blocks.11.attn.rel_pos_h"},
           Pair{"vg_law", "weight_generator.S", "conditioning.S"},
           Pair{"vg_law", "weight_generator.proj.11.3.weight", "conditioning.proj.11.3.weight"},
           Pair{"vg_law", "ada_gap.q_proj.bias", "decoder.q_proj.bias"},
           Pair{"vg_law", "bbox_pred.layers.2.bias", "box_head.layers.2.bias"},
           Pair{"vg_law", "up_sample.3.weight", "mask_head.3.weight"},
           Pair{"vitdet", "backbone.net.pos_embed", "visual_encoder.pos_embed"},
           Pair{"vitdet", "backbone.net.blocks.2.attn.qkv.weight",
                "visual_encoder.blocks.2.attn.qkv.weight"},
           Pair{"mae", "pos_embed", "visual_encoder.pos_embed"},
           Pair{"mae", "patch_embed.proj.bias", "visual_encoder.patch_embed.proj.bias"},
           Pair{"mae", "blocks.0.mlp.fc1.weight", "visual_encoder.blocks.0.mlp.fc1.weight"},
           Pair{"resnet", "layer4.2.downsample.0.weight",
                "visual_encoder.backbone.layer4.2.downsample.0.weight"},
           Pair{"resnet", "conv1.bias", "visual_encoder.backbone.conv1.bias"},
           Pair{"resnet", "bn1.running_var", "visual_encoder.backbone.bn1.running_var"},
       }) {
    const NameMap& map = name_map(pair.family);
    EXPECT_EQ(map.to_native(pair.released), pair.native);
    EXPECT_EQ(map.to_released(pair.native), pair.released);
    EXPECT_FALSE(map.ignored(pair.released));
  }
}

TEST(NameMapTest, ReadsOldAndShortSpellings) {
  const NameMap& bert = name_map("bert");
  EXPECT_EQ(bert.to_native("bert.embeddings.LayerNorm.gamma"),
            "text_encoder.bert.embeddings.LayerNorm.weight");
  EXPECT_EQ(bert.to_native("bert.encoder.layer.0.output.LayerNorm.beta"),
            "text_encoder.bert.encoder.layer.0.output.LayerNorm.bias");
  EXPECT_EQ(bert.to_native("encoder.layer.3.output.dense.bias"),
            "text_encoder.bert.encoder.layer.3.output.dense.bias");
  EXPECT_EQ(bert.to_native("embeddings.LayerNorm.gamma"),
            "text_encoder.bert.embeddings.LayerNorm.weight");
  EXPECT_EQ(name_map("mmca").to_native("textmodel.bert.embeddings.LayerNorm.beta"),
            "text_encoder.bert.embeddings.LayerNorm.bias");
}

TEST(NameMapTest, IgnoresByDesign) {
  for (const Pair& pair :
       {Pair{"detr", "transformer.decoder.layers.0.linear1.weight", ""},
        Pair{"detr", "class_embed.weight", ""}, Pair{"detr", "bbox_embed.layers.0.weight", ""},
        Pair{"detr", "query_embed.weight", ""},
        Pair{"detr", "backbone.0.body.bn1.num_batches_tracked", ""},
        Pair{"bert", "cls.predictions.bias", ""}, Pair{"bert", "embeddings.position_ids", ""},
        Pair{"resnet", "fc.weight", ""}, Pair{"vitdet", "backbone.simfp_2.0.weight", ""},
        Pair{"vitdet", "roi_heads.box_head.conv1.weight", ""}, Pair{"mae", "cls_token", ""},
        Pair{"mae", "norm.weight", ""}, Pair{"mae", "decoder_blocks.0.norm1.bias", ""},
        Pair{"mmca", "visumodel.backbone.0.body.bn1.num_batches_tracked", ""}}) {
    EXPECT_TRUE(name_map(pair.family).ignored(pair.released)) << pair.released;
    EXPECT_EQ(name_map(pair.family).to_native(pair.released), std::nullopt) << pair.released;
  }
}

TEST(NameMapTest, UnknownNamesHaveNoPlace) {
  const NameMap& map = name_map("transvg");
  for (const char* name : {"", "text_proj", "text_proj.", "reg_token.weight.x", "reg_token.bias",
                           "visumodel.backbone.1.body.conv1.weight",
                           "vl_transformer.encoder.layers.x.norm1.bias", "optimizer.a"}) {
    EXPECT_EQ(map.to_native(name), std::nullopt) << name;
  }
  EXPECT_EQ(map.to_released("conditioning.backbone.layer2.text_linear_b"), std::nullopt);
  EXPECT_EQ(name_map("detr").to_released("decoder.reg_token.weight"), std::nullopt);
}

TEST(NameMapTest, AnUnknownFamilyListsTheKnown) {
  EXPECT_THAT(families(),
              ElementsAre("transvg", "mmca", "detr", "bert", "vg_law", "vitdet", "mae", "resnet"));
  try {
    name_map("gpt");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("transvg, mmca, detr, bert, vg_law, vitdet, mae, resnet"));
  }
}

std::string family_of(const std::vector<std::string>& names) {
  StateDict state;
  for (const std::string& name : names) state.tensors[name] = {};
  return detect_family(state);
}

TEST(NameMapTest, FamiliesAreToldByTheirNames) {
  EXPECT_EQ(family_of({"vl_pos_embed.weight"}), "transvg");
  EXPECT_EQ(
      family_of({"vl_pos_embed.weight", "visumodel.backbone.0.multimodal_layers.0.text_linear_b"}),
      "mmca");
  EXPECT_EQ(family_of({"backbone.0.body.conv1.weight", "input_proj.weight"}), "detr");
  EXPECT_EQ(family_of({"backbone.0.body.conv1.weight", "input_proj.weight",
                       "transformer.text_encoder.pooler.dense.bias"}),
            "");
  EXPECT_EQ(family_of({"embeddings.word_embeddings.weight"}), "bert");
  EXPECT_EQ(family_of({"weight_generator.layer_embedding", "visual_encoder.pos_embed"}), "vg_law");
  EXPECT_EQ(family_of({"backbone.net.pos_embed", "roi_heads.mask_head.predictor.bias"}), "vitdet");
  EXPECT_EQ(family_of({"pos_embed", "blocks.0.attn.qkv.weight", "cls_token"}), "mae");
  EXPECT_EQ(family_of({"conv1.weight", "layer1.0.conv1.weight"}), "resnet");
  EXPECT_EQ(family_of({"decoder.reg_token.weight"}), "");
}

TEST(NameMapTest, EveryReleasedNameOfTheGoldensMapsThereAndBack) {
  const Path folder = testing::goldens();
  std::size_t names = 0;
  for (const auto& [family, file] :
       std::vector<std::pair<std::string, std::string>>{{"mmca", "mmca/mmca-r50-full"},
                                                        {"mmca", "mmca/mmca-r101-box"},
                                                        {"mmca", "mmca/mmca-r50-l40-box"},
                                                        {"mmca", "mmca/mmca-tiny-train"},
                                                        {"mmca", "mmca/mmca-tiny-train-dc5"},
                                                        {"transvg", "mmca/transvg-r50-full"},
                                                        {"vg_law", "vglaw/vglaw-full"},
                                                        {"vg_law", "vglaw/vglaw-tiny-train"}}) {
    const auto golden = nlohmann::json::parse(read_text_file(folder / (file + ".json")));
    StateDict state;
    for (const auto& weight : golden["weights"]) state.tensors[weight["name"]] = {};
    const NameMap& map = name_map(detect_family(state));
    EXPECT_EQ(map.family(), family) << file;
    std::set<std::string> natives;
    for (const auto& [name, tensor] : state.tensors) {
      const auto native = map.to_native(name);
      ASSERT_TRUE(native.has_value()) << name;
      EXPECT_TRUE(natives.insert(*native).second) << name;
      EXPECT_EQ(map.to_released(*native), name);
      ++names;
    }
  }
  EXPECT_EQ(names, 1033U + 778U + 778U + 442U + 442U + 622U + 365U + 141U);
}

}  // namespace
}  // namespace referent::checkpoint
