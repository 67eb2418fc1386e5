// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "models/tiny.h"
#include "referent/batch/normalise.h"
#include "referent/core/error.h"
#include "referent/inference/flop_count.h"
#include "referent/models/state.h"
#include "support/test_device.h"

namespace referent::inference {
namespace {

using conditioning::Type;
using conditioning::Variant;
using models::ModelConfig;
using testing::Combination;
using testing::tiny_model;

constexpr std::int64_t kSize = 80;
constexpr std::int64_t kWords = 8;
const models::InputShape kShape{kSize, kWords};

/// A model in which nothing is zero or one as it is at first. Its blocks add little to their
/// shortcut, as trained ones do: otherwise the map's variance doubles with each of them, and what
/// attention sees hangs on the last digits.
std::shared_ptr<models::Model> trained(const ModelConfig& config) {
  torch::manual_seed(5);
  auto model = models::make_model(config, kShape);
  const torch::NoGradGuard no_grad;
  for (Tensor& parameter : model->parameters()) parameter.add_(0.05 * torch::randn_like(parameter));
  for (const auto& buffer : model->named_buffers()) {
    if (!buffer.value().is_floating_point()) continue;
    Tensor values = buffer.value();
    values.add_(0.3 * torch::rand_like(values));
    if (buffer.key().ends_with("bn2.weight")) values.mul_(0.1);  // the last of a BasicBlock
  }
  model->eval();
  return model;
}

/// Pictures of several shapes and texts of several lengths.
Batch mixed_batch(std::int64_t size, std::uint64_t seed = 6) {
  torch::manual_seed(seed);
  Batch batch;
  batch.images = torch::randn({size, 3, kSize, kSize});
  batch.image_padding = torch::zeros({size, kSize, kSize}, torch::kBool);
  batch.tokens = torch::randint(1, 50, {size, kWords}, torch::kInt64);
  batch.token_padding = torch::zeros({size, kWords}, torch::kBool);
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t border = 16 * (i % 3);
    Tensor padding = batch.image_padding[i];
    padding.narrow(i % 2, 0, border).fill_(true);
    padding.narrow(i % 2, kSize - border, border).fill_(true);
    const std::int64_t words = kWords - i % 4;
    batch.token_padding[i].narrow(0, words, kWords - words).fill_(true);
  }
  batch.images.masked_fill_(batch.image_padding.unsqueeze(1), 0);
  return batch;
}

Output output_of(models::Model& model, const Batch& batch) {
  const torch::NoGradGuard no_grad;
  return model.forward(batch);
}

Batch to_double(Batch batch) {
  batch.images = batch.images.to(torch::kFloat64);
  return batch;
}

Plan::Options options(torch::ScalarType type = torch::kFloat32) {
  return {.device = testing::test_device(), .dtype = type};
}

constexpr double kFloat = 1e-4;
/// Sines of positions are float32, and two devices' differ in the last digit.
const double kDouble = testing::test_device().is_cpu() ? 1e-9 : 1e-5;

Output on_host(Output output) {
  for (Tensor* tensor : {&output.boxes, &output.mask_logits}) {
    if (tensor->defined()) *tensor = tensor->to(torch::kCPU);
  }
  return output;
}

void expect_near(const Output& got, const Output& model, double tolerance) {
  const Output plan = on_host(got);
  ASSERT_EQ(plan.boxes.defined(), model.boxes.defined());
  if (model.boxes.defined()) {
    ASSERT_EQ(plan.boxes.sizes(), model.boxes.sizes());
    EXPECT_LT((plan.boxes - model.boxes).abs().max().item<double>(), tolerance);
  }
  ASSERT_EQ(plan.mask_logits.defined(), model.mask_logits.defined());
  if (model.mask_logits.defined()) {
    ASSERT_EQ(plan.mask_logits.sizes(), model.mask_logits.sizes());
    const double scale = model.mask_logits.abs().max().item<double>();
    EXPECT_LT((plan.mask_logits - model.mask_logits).abs().max().item<double>(),
              tolerance * std::max(scale, 1.0));
  }
}

class PlanTest : public ::testing::TestWithParam<Combination> {};

TEST_P(PlanTest, GivesTheModelsOutput) {
  const ModelConfig config = tiny_model(GetParam());
  const auto model = trained(config);
  const Plan plan(config, kShape, *model, options());
  for (const std::int64_t size : {1, 3, 8}) {
    const Batch batch = mixed_batch(size);
    expect_near(plan.forward(batch), output_of(*model, batch), kFloat);
  }
  model->to(torch::kFloat64);
  // What a GPU recorded holds for other values too, and other shapes between do not disturb it.
  for (const std::uint64_t seed : {7, 8, 9}) {
    for (const std::int64_t size : {3, 8}) {
      const Batch batch = mixed_batch(size, seed);
      expect_near(plan.forward(batch), output_of(*model, to_double(batch)), kFloat);
    }
  }
  const Plan exact(config, kShape, *model, options(torch::kFloat64));
  for (const std::int64_t size : {1, 3, 8}) {
    const Batch batch = to_double(mixed_batch(size));
    expect_near(exact.forward(batch), output_of(*model, batch), kDouble);
  }
}

TEST_P(PlanTest, OnePictureServesManyTextsAndOneTextManyPictures) {
  const ModelConfig config = tiny_model(GetParam());
  const auto model = trained(config);
  model->to(torch::kFloat64);
  const Plan plan(config, kShape, *model, options(torch::kFloat64));
  const Batch batch = to_double(mixed_batch(3));
  const TextFeatures text = plan.read(batch.tokens, batch.token_padding);
  for (std::int64_t picture = 0; picture < 3; ++picture) {
    const auto seen =
        plan.see(batch.images.narrow(0, picture, 1), batch.image_padding.narrow(0, picture, 1));
    for (std::int64_t expression = 0; expression < 3; ++expression) {
      Batch pair;
      pair.images = batch.images.narrow(0, picture, 1);
      pair.image_padding = batch.image_padding.narrow(0, picture, 1);
      pair.tokens = batch.tokens.narrow(0, expression, 1);
      pair.token_padding = batch.token_padding.narrow(0, expression, 1);
      const Output output =
          plan.ground(*seen, Plan::part_of(text, expression, 1), /*again=*/expression < 2);
      expect_near(output, output_of(*model, pair), kDouble);
    }
  }
}

TEST_P(PlanTest, BytesAreNormalisedWhereTheyAreRead) {
  const ModelConfig config = tiny_model(GetParam());
  const auto model = trained(config);
  const Plan plan(config, kShape, *model, options());
  model->to(testing::test_device());
  Batch bytes = mixed_batch(3);
  bytes.images = torch::randint(256, bytes.images.sizes(), torch::kUInt8);
  Batch values = bytes;
  values.images = normalised_images(bytes.images, bytes.image_padding);
  const auto expect_same = [&](const auto& forward) {
    const Output a = forward(bytes.to(testing::test_device()));
    const Output b = forward(values.to(testing::test_device()));
    EXPECT_TRUE(torch::equal(a.boxes, b.boxes));
    EXPECT_TRUE(!GetParam().mask || torch::equal(a.mask_logits, b.mask_logits));
  };
  expect_same([&](const Batch& batch) { return plan.forward(batch); });
  expect_same([&](const Batch& batch) { return output_of(*model, batch); });
}

/// Root of the mean square difference. Two ways of rounding are compared by it with some slack: of
/// one picture the one, of another the other comes nearer.
double distance(const Tensor& a, const Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).square().mean().sqrt().item<double>();
}

TEST_P(PlanTest, LowTypesAreAsNearAsTheModelInThem) {
  const ModelConfig config = tiny_model(GetParam());
  std::vector<torch::ScalarType> types{torch::kBFloat16};
  if (testing::test_device().is_cuda()) types.push_back(torch::kHalf);
  for (const torch::ScalarType type : types) {
    const auto model = trained(config);
    const Plan plan(config, kShape, *model, options(type));
    Batch batch = mixed_batch(8);
    const Output expected = output_of(*model, batch);
    const Output output = on_host(plan.forward(batch));
    EXPECT_EQ(output.boxes.scalar_type(), torch::kFloat32);
    model->to(testing::test_device(), type);
    batch.images = batch.images.to(type);
    const Output plain = on_host(output_of(*model, batch.to(testing::test_device())));
    const auto expect_as_near = [&](const Tensor& ours, const Tensor& rounded,
                                    const Tensor& exact) {
      EXPECT_LT(distance(ours, exact), 4 * distance(rounded, exact)) << type;
    };
    expect_as_near(output.boxes, plain.boxes, expected.boxes);
    if (GetParam().mask) {
      expect_as_near(output.mask_logits, plain.mask_logits, expected.mask_logits);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Combinations, PlanTest, ::testing::ValuesIn(testing::combinations()),
                         testing::name_of);

void expect_same(const ModelConfig& config) {
  const auto model = trained(config);
  const Plan plan(config, kShape, *model, options());
  const Batch batch = mixed_batch(3);
  expect_near(plan.forward(batch), output_of(*model, batch), kFloat);
}

#ifndef REFERENT_TEST_ON_GPU
TEST(PlanTextTest, IsReadOnceForManyPictures) {
  const ModelConfig config = tiny_model(Type::kMmca, Variant::kReleased);
  const auto model = trained(config);
  const Plan plan(config, kShape, *model, options());
  Plan::Options forgetful = options();
  forgetful.expressions = 0;
  const Plan without(config, kShape, *model, forgetful);
  Batch batch = mixed_batch(3);
  const auto work = [&batch](const Plan& by) {
    const FlopCount count;
    by.forward(batch);
    return count.total();
  };
  const std::int64_t first = work(plan);
  EXPECT_EQ(work(without), first);
  EXPECT_EQ(work(without), first);
  batch.images = batch.images.flip(0);
  batch.image_padding = batch.image_padding.flip(0);
  EXPECT_LT(work(plan), first);
  // What is kept changes no bit.
  EXPECT_TRUE(torch::equal(plan.forward(batch).boxes, without.forward(batch).boxes));
}
#endif

TEST(PlanShapesTest, TakesEveryBackbone) {
  for (const Variant variant : {Variant::kReleased, Variant::kPaper}) {
    for (const encoders::Normalisation normalisation :
         {encoders::Normalisation::kFrozen, encoders::Normalisation::kFolded,
          encoders::Normalisation::kBatch}) {
      ModelConfig config = tiny_model(Type::kMmca, variant);
      config.visual_encoder.backbone.normalisation = normalisation;
      config.visual_encoder.backbone.depth = 50;
      config.visual_encoder.backbone.dilation = variant == Variant::kPaper;
      expect_same(config);
      config.visual_encoder.backbone.stages = 3;
      expect_same(config);
    }
  }
}

TEST(PlanShapesTest, TakesPreNormSeveralLayersAndPositionsInValues) {
  for (const Variant variant : {Variant::kReleased, Variant::kPaper}) {
    ModelConfig config = tiny_model(Type::kMmca, variant);
    config.visual_encoder.transformer.layers = 2;
    config.visual_encoder.transformer.norm_first = true;
    config.decoder.transformer.layers = 2;
    config.decoder.transformer.norm_first = true;
    config.decoder.position_in_values = true;
    config.text_encoder.pooler = false;
    expect_same(config);
  }
}

TEST(PlanShapesTest, TakesAModelOfMasksOnly) {
  ModelConfig config = testing::tiny_vit_model(Type::kLaw, Variant::kReleased);
  config.heads.box = std::nullopt;
  config.heads.mask = decoders::MaskHeadConfig{8};
  expect_same(config);
}

checkpoint::Checkpoint checkpoint_of(const models::Model& model) {
  checkpoint::Checkpoint checkpoint;
  checkpoint.tensors = models::state_bytes(model);
  return checkpoint;
}

TEST(PlanCheckpointTest, IsMadeOutOfAFile) {
  for (const Combination& combination : testing::combinations()) {
    const ModelConfig config = tiny_model(combination);
    const auto model = trained(config);
    checkpoint::Checkpoint checkpoint = checkpoint_of(*model);
    checkpoint.tensors.emplace("optimizer.box_head.layers.0.weight.exp_avg",
                               models::to_bytes(torch::ones({2})));
    const Plan plan(config, kShape, checkpoint, options());
    const Batch batch = mixed_batch(1);
    expect_near(plan.forward(batch), output_of(*model, batch), kFloat);
  }
}

TEST(PlanCheckpointTest, RefusesWhatDoesNotFit) {
  const ModelConfig config = tiny_model(Type::kMmca, Variant::kReleased);
  const auto model = trained(config);
  const std::string name = "box_head.layers.2.bias";
  checkpoint::Checkpoint checkpoint = checkpoint_of(*model);
  checkpoint.tensors.erase(name);
  EXPECT_THROW(Plan(config, kShape, checkpoint, {}), CheckpointError);
  checkpoint.tensors[name] = models::to_bytes(torch::ones({5}));
  EXPECT_THROW(Plan(config, kShape, checkpoint, {}), CheckpointError);
  checkpoint = checkpoint_of(*model);
  checkpoint.tensors["more"] = models::to_bytes(torch::ones({5}));
  EXPECT_THROW(Plan(config, kShape, checkpoint, {}), CheckpointError);
}

TEST(PlanCheckpointTest, RefusesWeightsThatAreNotFinite) {
  const ModelConfig config = tiny_model(Type::kMmca, Variant::kReleased);
  const std::string name = "visual_encoder.backbone.layer1.0.conv1.weight";
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const auto model = trained(config);
    const torch::NoGradGuard no_grad;
    model->named_parameters()[name][3][1][0][0] = value;
    const checkpoint::Checkpoint checkpoint = checkpoint_of(*model);
    try {
      const Plan plan(config, kShape, checkpoint, {});
      ADD_FAILURE() << "taken with " << value;
    } catch (const CheckpointError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("1 of"));
      EXPECT_THAT(error.what(), ::testing::HasSubstr(name));
    }
  }
}

TEST(PlanCheckpointTest, TakesLargeWeightsWhoseSumIsNotFinite) {
  const ModelConfig config = tiny_model(Type::kMmca, Variant::kReleased);
  const auto model = trained(config);
  const torch::NoGradGuard no_grad;
  model->named_parameters()["visual_encoder.backbone.conv1.weight"].fill_(1e38F);
  EXPECT_NO_THROW(Plan(config, kShape, checkpoint_of(*model), {}));
}

}  // namespace
}  // namespace referent::inference
