// SPDX-License-Identifier: Apache-2.0
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "referent/training/step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace referent::training {
namespace {

constexpr std::int64_t kSamples = 7;

/// Boxes and masks as linear functions of the pixels, with dropout.
struct Net : models::Model {
  explicit Net(double rate)
      : boxes(register_module("boxes", torch::nn::Linear(48, 4))),
        masks(register_module("masks", torch::nn::Linear(48, 16))),
        dropout(register_module("dropout", torch::nn::Dropout(rate))) {}
  Output forward(const Batch& batch) override {
    const Tensor pixels = dropout(batch.images.flatten(1));
    return {boxes(pixels).sigmoid().unsqueeze(1), {}, masks(pixels).reshape({-1, 1, 4, 4})};
  }
  torch::nn::Linear boxes, masks;
  torch::nn::Dropout dropout;
};

/// Seven samples, of which the third and the last have a mask.
Batch make_batch() {
  torch::manual_seed(1);
  Batch batch;
  batch.images = torch::randn({kSamples, 3, 4, 4}, torch::kFloat64);
  batch.image_padding = torch::zeros({kSamples, 4, 4}, torch::kBool);
  batch.tokens = torch::ones({kSamples, 2}, torch::kInt64);
  batch.token_padding = torch::zeros({kSamples, 2}, torch::kBool);
  batch.boxes = torch::rand({kSamples, 4}, torch::kFloat64) * 0.5 + 0.25;
  batch.has_mask = torch::zeros({kSamples}, torch::kBool);
  batch.has_mask[2] = true;
  batch.has_mask[6] = true;
  batch.masks = (torch::rand({kSamples, 4, 4}) > 0.5).to(torch::kUInt8) *
                batch.has_mask.to(torch::kUInt8).reshape({-1, 1, 1});
  return batch;
}

struct Trained {
  StepResult result;
  std::vector<Tensor> gradients, parameters;
};

/// One step in float64 on pieces of the given sizes.
Trained train(const std::vector<std::int64_t>& sizes, double loss_scale = 1, double clip = 0,
              const Batch& batch = make_batch(), torch::ScalarType type = torch::kFloat64) {
  torch::manual_seed(2);
  const auto net = std::make_shared<Net>(0.0);
  net->to(type);
  OptimizerConfig config;
  config.learning_rate = 1e-2;
  config.clip_norm = clip;
  AdamW optimizer(config, *net);
  std::vector<Piece> pieces;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    Batch part = batch.part(begin, begin + size);
    part.images = part.images.to(type);
    pieces.push_back({part, 3, 1});
    begin += size;
  }
  Trained trained;
  trained.result = step(*net, optimizer, pieces, losses::BatchCounts::of(batch), 1, loss_scale, {});
  for (const auto& [name, parameter] : optimizer.parameters()) {
    trained.gradients.push_back(parameter.grad().clone());
    trained.parameters.push_back(parameter.detach().clone());
  }
  return trained;
}

double value_of(const StepResult& result, const std::string& name) {
  for (const auto& [key, value] : result.values) {
    if (key == name) return value;
  }
  ADD_FAILURE() << "no value " << name;
  return 0;
}

TEST(StepTest, PiecesGiveTheGradientOfTheWholeBatch) {
  const Trained whole = train({kSamples});
  ASSERT_TRUE(whole.result.finite);
  EXPECT_GT(value_of(whole.result, "loss_dice"), 0);
  for (const std::vector<std::int64_t>& sizes :
       {std::vector<std::int64_t>{4, 3}, {1, 5, 1}, {1, 1, 1, 1, 1, 1, 1}}) {
    const Trained pieces = train(sizes);
    for (std::size_t i = 0; i < whole.gradients.size(); ++i) {
      EXPECT_LT((pieces.gradients[i] - whole.gradients[i]).norm().item<double>(),
                1e-12 * whole.gradients[i].norm().item<double>());
      EXPECT_LT((pieces.parameters[i] - whole.parameters[i]).abs().max().item<double>(), 1e-10);
    }
    for (const auto& [name, value] : whole.result.values) {
      EXPECT_NEAR(value_of(pieces.result, name), value, 1e-12 * std::abs(value)) << name;
    }
  }
}

TEST(StepTest, TheScaleOfTheLossIsTakenOutOfTheStep) {
  for (const double clip : {0.0, 0.01}) {
    const Trained plain = train({kSamples}, 1, clip, make_batch(), torch::kFloat32);
    const Trained scaled = train({kSamples}, 1024, clip, make_batch(), torch::kFloat32);
    for (std::size_t i = 0; i < plain.parameters.size(); ++i) {
      EXPECT_LT((plain.parameters[i] - scaled.parameters[i]).abs().max().item<double>(), 1e-7);
    }
    EXPECT_NEAR(value_of(plain.result, "gradient_norm"), value_of(scaled.result, "gradient_norm"),
                1e-6);
    EXPECT_EQ(value_of(plain.result, "loss"), value_of(scaled.result, "loss"));
  }
}

TEST(StepTest, WhatIsNotFiniteChangesNothing) {
  Batch batch = make_batch();
  batch.images[3][0][0][0] = std::numeric_limits<double>::quiet_NaN();
  torch::manual_seed(2);
  const auto net = std::make_shared<Net>(0.0);
  net->to(torch::kFloat64);
  const Tensor before = net->boxes->weight.detach().clone();
  AdamW optimizer({}, *net);
  const std::vector<Piece> pieces{{batch.part(0, 3), 3, 1}, {batch.part(3, 7), 3, 1}};
  const StepResult result = step(*net, optimizer, pieces, losses::BatchCounts::of(batch), 1, 1, {});
  EXPECT_FALSE(result.finite);
  EXPECT_TRUE(net->boxes->weight.equal(before));
}

TEST(StepTest, APieceWithoutWeightCountsForNothing) {
  const Batch batch = make_batch();
  const auto trained = [&](const std::vector<Piece>& pieces) {
    torch::manual_seed(2);
    const auto net = std::make_shared<Net>(0.0);
    net->to(torch::kFloat64);
    AdamW optimizer({}, *net);
    step(*net, optimizer, pieces, losses::BatchCounts::of(batch), 1, 1, {});
    return net->boxes->weight.detach().clone();
  };
  EXPECT_TRUE(trained({{batch, 3, 1}}).equal(trained({{batch, 3, 1}, {batch.part(0, 1), 4, 0}})));
}

TEST(StepTest, RandomChoicesFollowTheSeedOfThePiece) {
  const Batch batch = make_batch();
  const auto loss = [&](std::uint64_t seed) {
    torch::manual_seed(2);
    const auto net = std::make_shared<Net>(0.5);
    net->to(torch::kFloat64);
    AdamW optimizer({}, *net);
    const std::vector<Piece> pieces{{batch, seed, 1}};
    return value_of(step(*net, optimizer, pieces, losses::BatchCounts::of(batch), 1, 1, {}),
                    "loss");
  };
  EXPECT_EQ(loss(5), loss(5));
  EXPECT_NE(loss(5), loss(6));
}

}  // namespace
}  // namespace referent::training
