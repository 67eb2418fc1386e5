// SPDX-License-Identifier: Apache-2.0
// Training in float16, whose gradients overflow until the loss's scale fits them: on a GPU alone.
#include <gtest/gtest.h>

#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>

#include "referent/training/loss_scaler.h"
#include "referent/training/step.h"
#include "support/test_device.h"

namespace referent::training {
namespace {

constexpr std::int64_t kSamples = 6;

/// Boxes by two layers of the pixels.
struct Net : models::Model {
  Net()
      : inner(register_module("inner", torch::nn::Linear(48, 64))),
        boxes(register_module("boxes", torch::nn::Linear(64, 4))) {}
  Output forward(const Batch& batch) override {
    return {boxes(torch::relu(inner(batch.images.flatten(1)))).sigmoid().unsqueeze(1), {}, {}};
  }
  torch::nn::Linear inner, boxes;
};

Batch make_batch() {
  torch::manual_seed(1);
  Batch batch;
  batch.images = torch::randn({kSamples, 3, 4, 4});
  batch.image_padding = torch::zeros({kSamples, 4, 4}, torch::kBool);
  batch.tokens = torch::ones({kSamples, 2}, torch::kInt64);
  batch.token_padding = torch::zeros({kSamples, 2}, torch::kBool);
  batch.boxes = torch::rand({kSamples, 4}) * 0.5 + 0.25;
  batch.has_mask = torch::zeros({kSamples}, torch::kBool);
  return batch;
}

/// A model, and what trains it in one type.
class Training {
 public:
  explicit Training(torch::ScalarType type) : type_(type) {
    torch::manual_seed(2);
    net_ = std::make_shared<Net>();
    net_->to(testing::test_device());
    optimizer_.emplace(settings(), *net_);
  }

  StepResult step(const Batch& batch, double scale) {
    const std::vector<Piece> pieces{{batch}};
    StepOptions options;
    options.device = testing::test_device();
    options.forward.type = type_;
    return training::step(*net_, *optimizer_, pieces, losses::BatchCounts::of(batch),
                          /*factor=*/1.0, scale, options);
  }

  std::vector<Tensor> parameters() const {
    std::vector<Tensor> values;
    for (const Tensor& parameter : net_->parameters()) values.push_back(parameter.detach().clone());
    return values;
  }

 private:
  static OptimizerConfig settings() {
    OptimizerConfig config;
    config.learning_rate = 1e-3;
    config.clip_norm = 0.1;
    return config;
  }

  torch::ScalarType type_;
  std::shared_ptr<Net> net_;
  std::optional<AdamW> optimizer_;
};

bool equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::ranges::equal(a, b, [](const Tensor& x, const Tensor& y) { return x.equal(y); });
}

TEST(Float16Test, OverflowsChangeNothingAndLowerTheScaleUntilStepsGoOn) {
  const Batch batch = make_batch();
  Training run(torch::kHalf);
  const std::vector<Tensor> before = run.parameters();
  constexpr double kInitial = 1 << 24;
  LossScaler scaler({.initial = kInitial, .growth_steps = 5});

  int overflows = 0;
  StepResult result = run.step(batch, scaler.scale());
  while (!result.finite) {
    ASSERT_LT(++overflows, 24);
    EXPECT_TRUE(equal(run.parameters(), before));
    // The loss itself is computed in float32 and says nothing of it.
    EXPECT_TRUE(std::isfinite(result.values.front().second));
    EXPECT_TRUE(scaler.update(false));
    result = run.step(batch, scaler.scale());
  }
  EXPECT_GT(overflows, 0);
  EXPECT_EQ(scaler.scale(), kInitial / std::exp2(overflows));
  EXPECT_FALSE(equal(run.parameters(), before));

  Training exact(torch::kFloat32);
  const StepResult expected = exact.step(batch, 1);
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const auto& [name, value] = expected.values[i];
    EXPECT_NEAR(result.values[i].second, value, 1e-2 * std::abs(value)) << name;
  }
  std::printf("%d overflows, then steps at a scale of %.0f\n", overflows, scaler.scale());

  const double found = scaler.scale();
  scaler.update(true);
  for (int step = 1; step < 5; ++step) {
    EXPECT_EQ(scaler.scale(), found);
    ASSERT_TRUE(run.step(batch, scaler.scale()).finite);
    scaler.update(true);
  }
  EXPECT_EQ(scaler.scale(), 2 * found);
}

TEST(Float16Test, WhatIsNoNumberIsNotTheScalesFault) {
  Batch batch = make_batch();
  batch.images[3][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  Training run(torch::kHalf);
  const std::vector<Tensor> before = run.parameters();
  const StepResult result = run.step(batch, 1024);
  EXPECT_FALSE(result.finite);
  EXPECT_TRUE(std::isnan(result.values.front().second));
  EXPECT_TRUE(equal(run.parameters(), before));
}

}  // namespace
}  // namespace referent::training
