// SPDX-License-Identifier: Apache-2.0
#include "referent/models/grounder.h"

#include <gtest/gtest.h>

#include "models/tiny.h"
#include "referent/core/error.h"
#include "referent/losses/grounding_losses.h"
#include "referent/models/state.h"

namespace referent::models {
namespace {

using conditioning::Type;
using conditioning::Variant;
using testing::Combination;
using testing::tiny_batch;
using testing::tiny_model;
using testing::tiny_vit_model;

constexpr std::int64_t kSize = 80;

Batch batch_of(const Combination& c) {
  Batch batch = tiny_batch(2, kSize, 8);
  if (c.mask) {
    batch.masks = torch::randint(0, 2, {2, kSize, kSize}, torch::kUInt8);
    batch.has_mask = torch::ones({2}, torch::kBool);
  }
  return batch;
}

class GrounderTest : public ::testing::TestWithParam<Combination> {};

TEST_P(GrounderTest, RunsAndEveryParameterLearns) {
  torch::manual_seed(1);
  const auto model = make_model(testing::tiny_model(GetParam()), {kSize, 8});
  const Batch batch = batch_of(GetParam());
  const Output output = model->forward(batch);
  ASSERT_EQ(output.boxes.sizes(), torch::IntArrayRef({2, 1, 4}));
  EXPECT_TRUE(output.boxes.gt(0).logical_and(output.boxes.lt(1)).all().item<bool>());
  ASSERT_EQ(output.mask_logits.defined(), GetParam().mask);
  if (GetParam().mask) {
    EXPECT_EQ(output.mask_logits.sizes(), torch::IntArrayRef({2, 1, kSize, kSize}));
  }
  losses::grounding_losses({}, output, batch).total.backward();
  for (const auto& item : model->named_parameters()) {
    if (!item.value().requires_grad() || item.key().find("pooler") != std::string::npos) continue;
    EXPECT_TRUE(item.value().grad().defined()) << item.key();
  }
}

TEST_P(GrounderTest, SavesAndLoads) {
  const auto model = make_model(testing::tiny_model(GetParam()), {kSize, 8});
  const auto copy = make_model(testing::tiny_model(GetParam()), {kSize, 8});
  load_state(*copy, state_bytes(*model), /*complete=*/true);
  const Batch batch = batch_of(GetParam());
  model->eval();
  copy->eval();
  const Output output = model->forward(batch);
  const Output again = copy->forward(batch);
  EXPECT_TRUE(torch::equal(output.boxes, again.boxes));
  if (GetParam().mask) {
    EXPECT_TRUE(torch::equal(output.mask_logits, again.mask_logits));
  }
}

INSTANTIATE_TEST_SUITE_P(Combinations, GrounderTest, ::testing::ValuesIn(testing::combinations()),
                         testing::name_of);

TEST(GrounderShapesTest, TakesAnyImageSizeDepthAndDilation) {
  for (const std::int64_t size : {64, 80, 96}) {
    for (const bool dilation : {false, true}) {
      ModelConfig config = tiny_model(Type::kMmca, Variant::kReleased);
      config.visual_encoder.backbone.depth = 50;
      config.visual_encoder.backbone.dilation = dilation;
      const auto model = make_model(config, {size, 8});
      EXPECT_EQ(model->forward(tiny_batch(1, size, 8)).boxes.size(0), 1) << size;
    }
  }
  ModelConfig c4 = tiny_model(Type::kMmca, Variant::kPaper);
  c4.visual_encoder.backbone.stages = 3;
  c4.visual_encoder.backbone.normalisation = encoders::Normalisation::kFolded;
  EXPECT_EQ(make_model(c4, {64, 8})->forward(tiny_batch(1, 64, 8)).boxes.size(0), 1);
}

TEST(GrounderShapesTest, PaddedPixelsBeyondThePictureChangeOnlyWhatReleasedCodeLetsThem) {
  // Without conditioning nothing averages over padding, so what stands in padded tokens is masked.
  const auto model = make_model(tiny_model(Type::kNone, Variant::kReleased), {64, 8});
  model->eval();
  const torch::NoGradGuard no_grad;
  Batch batch = tiny_batch(1, 64, 8);
  const Tensor before = model->forward(batch).boxes;
  batch.tokens = batch.tokens.clone();
  batch.tokens.narrow(1, 6, 2).fill_(7);  // padded words
  EXPECT_TRUE(torch::allclose(model->forward(batch).boxes, before, 1e-4, 1e-5));
}

TEST(GrounderShapesTest, RefusesPartsThatDoNotFit) {
  ModelConfig config = tiny_model(Type::kNone, Variant::kReleased);
  config.decoder.transformer.heads = 3;
  EXPECT_THROW(make_model(config, {64, 8}), ConfigError);
  EXPECT_THROW(make_model(tiny_model(Type::kNone, Variant::kReleased), {64, 17}), ConfigError);
  ModelConfig vit = tiny_vit_model(Type::kNone, Variant::kReleased);
  EXPECT_THROW(make_model(vit, {kSize + 1, 8}), ConfigError);  // no whole number of patches
  vit.visual_encoder.vit.global_layers = {2};
  EXPECT_THROW(make_model(vit, {kSize, 8}), ConfigError);
  ModelConfig unprojected = tiny_model(Type::kNone, Variant::kReleased);
  unprojected.text_encoder.projection = false;
  unprojected.text_encoder.width = 32;
  EXPECT_THROW(make_model(unprojected, {64, 8}), ConfigError);
}

TEST(LawLearningTest, TheWholeGeneratorLearnsOnceItsLastLayersHaveMoved) {
  torch::manual_seed(3);
  const auto model = make_model(tiny_vit_model(Type::kLaw, Variant::kReleased), {kSize, 8});
  const Batch batch = tiny_batch(2, kSize, 8);
  const auto learning = [&](const std::string& name) {
    return model->named_parameters()[name].grad().abs().max().item<float>() > 0;
  };
  for (int step = 0; step < 2; ++step) {
    model->zero_grad();
    losses::grounding_losses({}, model->forward(batch), batch).total.backward();
    // The last layers start at zero, and let nothing through to what is behind them.
    EXPECT_TRUE(learning("conditioning.proj.0.3.weight"));
    for (const char* name : {"conditioning.S", "conditioning.D", "conditioning.layer_embedding",
                             "conditioning.proj.1.0.weight"}) {
      EXPECT_EQ(learning(name), step > 0) << name;
    }
    const torch::NoGradGuard no_grad;
    for (Tensor& parameter : model->parameters()) {
      if (parameter.grad().defined()) parameter.sub_(0.1 * parameter.grad());
    }
  }
}

TEST(GrounderShapesTest, AModelOfMasksOnlyHasNoDecoder) {
  ModelConfig config = tiny_vit_model(Type::kLaw, Variant::kReleased);
  config.heads.box = std::nullopt;
  EXPECT_THROW(make_model(config, {kSize, 8}), ConfigError);
  config.heads.mask = decoders::MaskHeadConfig{8};
  const auto model = make_model(config, {kSize, 8});
  const Output output = model->forward(tiny_batch(1, kSize, 8));
  EXPECT_FALSE(output.boxes.defined());
  EXPECT_TRUE(output.mask_logits.defined());
  for (const auto& item : model->named_parameters()) {
    EXPECT_FALSE(item.key().starts_with("decoder.") || item.key().starts_with("box_head."));
  }
}

TEST(GrounderShapesTest, FreezesTheFirstStages) {
  ModelConfig config = tiny_model(Type::kNone, Variant::kReleased);
  config.visual_encoder.backbone.frozen_stages = 2;
  const auto parameters = make_model(config, {64, 8})->named_parameters();
  EXPECT_FALSE(parameters["visual_encoder.backbone.conv1.weight"].requires_grad());
  EXPECT_FALSE(parameters["visual_encoder.backbone.layer2.1.conv2.weight"].requires_grad());
  EXPECT_TRUE(parameters["visual_encoder.backbone.layer3.0.conv1.weight"].requires_grad());
}

/// What the demo trains from scratch with.
ModelConfig from_scratch() {
  ModelConfig config = tiny_model(Type::kMmca, Variant::kReleased);
  config.visual_encoder.backbone.normalisation = encoders::Normalisation::kBatch;
  config.visual_encoder.backbone.frozen_stages = 0;
  config.visual_encoder.transformer.norm_first = true;
  config.decoder.transformer.norm_first = true;
  return config;
}

TEST(FromScratchTest, BatchNormLearnsInTrainingOnly) {
  const auto model = make_model(from_scratch(), {64, 8});
  const Batch batch = tiny_batch(2, 64, 8);
  const std::string name = "visual_encoder.backbone.layer3.0.bn1.running_mean";
  EXPECT_TRUE(model->named_parameters().contains("visual_encoder.backbone.layer3.0.bn1.weight"));
  model->eval();
  model->forward(batch);
  EXPECT_TRUE(model->named_buffers()[name].eq(0).all().item<bool>());
  model->train();
  model->forward(batch);
  EXPECT_FALSE(model->named_buffers()[name].eq(0).all().item<bool>());
}

TEST(FromScratchTest, FrozenStagesKeepTheirStatistics) {
  ModelConfig config = from_scratch();
  config.visual_encoder.backbone.frozen_stages = 2;
  const auto model = make_model(config, {64, 8});
  model->train();
  model->forward(tiny_batch(2, 64, 8));
  const auto buffers = model->named_buffers();
  for (const char* name : {"bn1", "layer2.1.bn2"}) {
    EXPECT_TRUE(buffers[fmt::format("visual_encoder.backbone.{}.running_mean", name)]
                    .eq(0)
                    .all()
                    .item<bool>())
        << name;
    EXPECT_FALSE(model->named_parameters()[fmt::format("visual_encoder.backbone.{}.weight", name)]
                     .requires_grad())
        << name;
  }
}

TEST(FromScratchTest, WordEmbeddingsStartAsWideAsToldOthersAsBerts) {
  ModelConfig config = from_scratch();
  config.text_encoder.embedding_deviation = 1.0;
  const auto parameters = make_model(config, {64, 8})->named_parameters();
  const std::string prefix = "text_encoder.bert.embeddings.";
  const auto deviation = [&](const char* name) {
    return parameters[prefix + name + "_embeddings.weight"].std().item<double>();
  };
  EXPECT_NEAR(deviation("word"), 1.0, 0.15);
  EXPECT_NEAR(deviation("position"), 0.02, 0.005);
}

TEST(FromScratchTest, SavesAndLoadsWithStatistics) {
  const auto model = make_model(from_scratch(), {64, 8});
  const Batch batch = tiny_batch(2, 64, 8);
  model->train();
  model->forward(batch);
  const auto copy = make_model(from_scratch(), {64, 8});
  load_state(*copy, state_bytes(*model), /*complete=*/true);
  model->eval();
  copy->eval();
  EXPECT_TRUE(torch::equal(model->forward(batch).boxes, copy->forward(batch).boxes));
}

}  // namespace
}  // namespace referent::models
