// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "formats/fixtures.h"
#include "referent/checkpoint/export.h"
#include "referent/core/error.h"
#include "referent/formats/safetensors.h"
#include "support/test_data.h"

namespace referent::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

formats::Tensor tensor(const std::vector<float>& values) {
  return formats::make_tensor<float>(formats::DType::kFloat32,
                                     {static_cast<std::int64_t>(values.size())}, values);
}

StateDict detr_state() {
  StateDict state;
  state.tensors = {{"backbone.0.body.conv1.weight", tensor({1, 2})},
                   {"backbone.0.body.bn1.num_batches_tracked", tensor({9})},
                   {"input_proj.weight", tensor({3})},
                   {"input_proj.bias", tensor({4, 5})},
                   {"query_embed.weight", tensor({6})},
                   {"surprise", tensor({7})}};
  return state;
}

const Shapes kWanted{{"visual_encoder.backbone.conv1.weight", {2}},
                     {"visual_encoder.input_proj.weight", {1}},
                     {"visual_encoder.input_proj.bias", {3}},
                     {"decoder.reg_token.weight", {1, 4}}};

TEST(ImportTest, ReportsEveryTensor) {
  const ImportResult result = match(detr_state(), name_map("detr"), kWanted);
  const ImportReport& report = result.report;
  EXPECT_THAT(report.matched, ElementsAre("visual_encoder.backbone.conv1.weight",
                                          "visual_encoder.input_proj.weight"));
  EXPECT_THAT(report.missing, ElementsAre("decoder.reg_token.weight"));
  EXPECT_THAT(report.unused, ElementsAre("surprise"));
  EXPECT_THAT(report.ignored,
              ElementsAre("backbone.0.body.bn1.num_batches_tracked", "query_embed.weight"));
  ASSERT_EQ(report.wrong_shape.size(), 1U);
  EXPECT_EQ(report.wrong_shape[0].name, "visual_encoder.input_proj.bias");
  EXPECT_THAT(report.wrong_shape[0].expected, ElementsAre(3));
  EXPECT_THAT(report.wrong_shape[0].seen, ElementsAre(2));
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(result.native.at("visual_encoder.input_proj.weight").values<float>(),
            std::vector<float>{3});
}

TEST(ImportTest, RendersTheReport) {
  const ImportReport report = match(detr_state(), name_map("detr"), kWanted).report;
  EXPECT_THAT(text(report), HasSubstr("2 matched, 1 missing, 1 of the wrong shape, 1 unused, 2"));
  EXPECT_THAT(text(report), HasSubstr("input_proj.bias: expected [3], the file has [2]"));
  EXPECT_THAT(text(report, 1), HasSubstr("... and 1 more"));
  const auto document = nlohmann::json::parse(json(report));
  EXPECT_EQ(document["schema_version"], 1);
  EXPECT_EQ(document["matched"], 2);
  EXPECT_EQ(document["missing"][0], "decoder.reg_token.weight");
  EXPECT_EQ(document["wrong_shape"][0]["seen"][0], 2);
}

TEST(ImportTest, RefusesTwoSpellingsOfOneTensor) {
  StateDict state;
  state.tensors = {{"bert.pooler.dense.bias", tensor({1})}, {"pooler.dense.bias", tensor({2})}};
  EXPECT_THROW(match(state, name_map("bert"), {{"text_encoder.bert.pooler.dense.bias", {1}}}),
               CheckpointError);
}

TEST(ExportTest, GivesBackTheNamesAndBytesOfAPublishedFile) {
  const Path data = testing::test_data();
  if (data.empty()) GTEST_SKIP() << testing::kNoTestData;
  const StateDict state =
      read_state_dict(data / "weights" / "resnet18-imagenet-folded-c4.safetensors");
  const NameMap& names = name_map(detect_family(state));
  Shapes wanted;
  for (const auto& [name, value] : state.tensors) {
    if (const auto native = names.to_native(name)) wanted[*native] = value.shape;
  }
  const ImportResult imported = match(state, names, wanted);
  EXPECT_TRUE(imported.report.complete());
  EXPECT_THAT(imported.report.ignored, ElementsAre("fc.bias", "fc.weight"));

  const testing::TemporaryFolder folder;
  write_released(folder.path() / "out.safetensors", imported.native, "resnet");
  const auto exported = formats::read_safetensors(folder.path() / "out.safetensors").tensors;
  EXPECT_EQ(exported.size(), state.tensors.size() - 2);
  for (const auto& [name, value] : exported) {
    const auto& original = state.tensors.at(name);
    EXPECT_EQ(describe(value), describe(original)) << name;
    EXPECT_TRUE(std::equal(value.bytes.begin(), value.bytes.end(), original.bytes.begin(),
                           original.bytes.end()))
        << name;
  }
}

TEST(ExportTest, RefusesATensorWithoutAPlace) {
  try {
    to_released({{"conditioning.backbone.layer2.text_linear_b", tensor({1})}}, "transvg");
    FAIL();
  } catch (const CheckpointError& error) {
    EXPECT_THAT(error.what(), HasSubstr("layer2.text_linear_b"));
  }
  EXPECT_THROW(to_released({}, "gpt"), ConfigError);
}

}  // namespace
}  // namespace referent::checkpoint
