// SPDX-License-Identifier: Apache-2.0
#include <torch/nn/modules/linear.h>

#include "referent/training/ema.h"

#include <gtest/gtest.h>

#include "referent/core/error.h"

namespace referent::training {
namespace {

torch::nn::Linear linear(double value) {
  torch::nn::Linear layer(2, 3);
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& parameter : layer->parameters()) parameter.fill_(value);
  return layer;
}

void move_to(torch::nn::Linear& layer, double value) {
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& parameter : layer->parameters()) parameter.fill_(value);
}

TEST(EmaTest, FollowsTheParameters) {
  torch::nn::Linear layer = linear(1);
  Ema ema({.decay = 0.75, .warmup = false}, *layer);
  move_to(layer, 3);
  ema.update();  // 1 + (3 - 1) / 4
  ema.update();  // 1.5 + (3 - 1.5) / 4
  EXPECT_EQ(ema.updates(), 2);
  EXPECT_TRUE(ema.state().at("weight").equal(torch::full({3, 2}, 1.875)));
}

TEST(EmaTest, WarmUpForgetsTheBeginningSoon) {
  const EmaConfig config{.decay = 0.5, .warmup = true};
  EXPECT_DOUBLE_EQ(ema_decay(config, 0), 0.1);
  EXPECT_DOUBLE_EQ(ema_decay(config, 2), 0.25);
  EXPECT_DOUBLE_EQ(ema_decay(config, 1000), 0.5);
  EXPECT_DOUBLE_EQ(ema_decay({.decay = 0.5, .warmup = false}, 0), 0.5);
}

TEST(EmaTest, SwappingTwiceRestoresEveryBit) {
  torch::manual_seed(3);
  torch::nn::Linear layer(5, 7);
  Ema ema({.decay = 0.9, .warmup = false}, *layer);
  const torch::Tensor at_first = layer->weight.detach().clone();
  {
    const torch::NoGradGuard no_grad;
    layer->weight.add_(torch::randn_like(layer->weight));
  }
  ema.update();
  const torch::Tensor weight = layer->weight.detach().clone();
  const torch::Tensor average = ema.state().at("weight").clone();
  EXPECT_FALSE(average.equal(weight));
  EXPECT_FALSE(average.equal(at_first));
  ema.swap();
  EXPECT_TRUE(layer->weight.equal(average));
  ema.swap();
  EXPECT_TRUE(layer->weight.equal(weight));
  EXPECT_TRUE(ema.state().at("weight").equal(average));
}

TEST(EmaTest, LeavesFrozenParametersOut) {
  torch::nn::Linear layer = linear(1);
  layer->bias.set_requires_grad(false);
  const Ema ema({}, *layer);
  EXPECT_EQ(ema.state().size(), 1U);
}

TEST(EmaTest, StateComesBackAndWhatDoesNotFitIsRefused) {
  torch::nn::Linear layer = linear(1);
  Ema ema({.decay = 0.5, .warmup = true}, *layer);
  move_to(layer, 2);
  ema.update();
  torch::nn::Linear other = linear(0);
  Ema again({.decay = 0.5, .warmup = true}, *other);
  again.load_state(ema.state(), ema.updates());
  EXPECT_EQ(again.updates(), 1);
  EXPECT_TRUE(again.state().at("bias").equal(ema.state().at("bias")));

  auto state = ema.state();
  state.at("bias") = torch::zeros({4});
  EXPECT_THROW(again.load_state(state, 1), CheckpointError);
  state.erase("bias");
  EXPECT_THROW(again.load_state(state, 1), CheckpointError);
}

}  // namespace
}  // namespace referent::training
