// SPDX-License-Identifier: Apache-2.0
#include "referent/training/forward.h"

#include <gtest/gtest.h>

#include <map>

#include "models/tiny.h"
#include "referent/encoders/resnet.h"

namespace referent::training {
namespace {

using testing::Combination;

constexpr std::int64_t kSize = 80;
constexpr std::int64_t kWords = 8;

models::ModelConfig with_dropout(const Combination& combination) {
  models::ModelConfig config = tiny_model(combination);
  config.text_encoder.layers = 2;
  config.text_encoder.dropout = 0.1;
  config.visual_encoder.transformer.dropout = 0.1;
  config.visual_encoder.vit.drop_path = 0.2;
  config.decoder.transformer.dropout = 0.1;
  config.decoder.transformer.layers = 2;
  return config;
}

struct Pass {
  Output output;
  std::map<std::string, Tensor> gradients;
};

/// One forward and backward pass of a new model, always with the same values and random numbers.
Pass pass(const models::ModelConfig& config, const ForwardOptions& options) {
  torch::manual_seed(4);
  const auto model = models::make_model(config, {kSize, kWords});
  model->train();
  const Batch batch = testing::tiny_batch(2, kSize, kWords);
  Pass result{forward(*model, batch, options), {}};
  Tensor sum = result.output.boxes.square().sum();
  if (result.output.mask_logits.defined()) sum = sum + result.output.mask_logits.square().mean();
  sum.backward();
  for (const auto& item : model->named_parameters()) {
    if (item.value().grad().defined()) result.gradients.emplace(item.key(), item.value().grad());
  }
  return result;
}

class ForwardTest : public ::testing::TestWithParam<Combination> {};

TEST_P(ForwardTest, ForgettingActivationsChangesOnlyTheOrderOfSums) {
  const models::ModelConfig config = with_dropout(GetParam());
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const Pass kept = pass(config, {type, false});
    const Pass forgotten = pass(config, {type, true});
    EXPECT_TRUE(torch::equal(kept.output.boxes, forgotten.output.boxes));
    ASSERT_EQ(kept.gradients.size(), forgotten.gradients.size());
    double largest = 0;
    for (const auto& [name, gradient] : kept.gradients) {
      largest = std::max(largest, gradient.abs().max().item<double>());
    }
    for (const auto& [name, gradient] : kept.gradients) {
      const Tensor difference = (gradient - forgotten.gradients.at(name)).abs().max();
      EXPECT_LE(difference.item<double>(), (type == torch::kFloat32 ? 1e-6 : 1e-2) * largest)
          << name << " " << type;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Combinations, ForwardTest, ::testing::ValuesIn(testing::combinations()),
                         testing::name_of);

TEST(ForwardPrecisionTest, BFloat16GivesFloat32OutputsAndGradientsNearby) {
  const models::ModelConfig config =
      testing::tiny_model(conditioning::Type::kMmca, conditioning::Variant::kReleased);
  const Pass exact = pass(config, {});
  const Pass low = pass(config, {torch::kBFloat16, false});
  EXPECT_EQ(low.output.boxes.scalar_type(), torch::kFloat32);
  EXPECT_FALSE(torch::equal(low.output.boxes, exact.output.boxes));
  EXPECT_LT((low.output.boxes - exact.output.boxes).abs().max().item<double>(), 2e-2);
  for (const auto& [name, gradient] : low.gradients) {
    EXPECT_EQ(gradient.scalar_type(), torch::kFloat32) << name;
  }
}

TEST(ForwardFrozenTest, StagesThatDoNotLearnLeaveNoGraph) {
  for (const std::int64_t frozen : {2, 4}) {
    encoders::ResNetConfig config;
    config.depth = 18;
    config.width = 8;
    config.frozen_stages = frozen;
    encoders::ResNet resnet(config);
    resnet->train();
    const Tensor map = resnet->forward(torch::randn({1, 3, kSize, kSize}), {}, nullptr);
    EXPECT_EQ(map.requires_grad(), frozen < 4);
  }
}

}  // namespace
}  // namespace referent::training
