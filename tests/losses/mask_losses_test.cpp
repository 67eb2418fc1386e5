// SPDX-License-Identifier: Apache-2.0
#include "referent/losses/mask_losses.h"

#include <gtest/gtest.h>

#include <cmath>

namespace referent::losses {
namespace {

using torch::Tensor;

TEST(FocalLossTest, EqualsTheFormulaOfOneElement) {
  for (const double logit : {-2.0, 0.3, 4.0}) {
    const double p = 1 / (1 + std::exp(-logit));
    const double on = -0.25 * std::pow(1 - p, 2) * std::log(p);
    const double off = -0.75 * std::pow(p, 2) * std::log(1 - p);
    const Tensor x = torch::full({1, 1}, logit, torch::kFloat64);
    EXPECT_NEAR(focal_loss(x, torch::ones_like(x)).item<double>(), on, 1e-9);
    EXPECT_NEAR(focal_loss(x, torch::zeros_like(x)).item<double>(), off, 1e-9);
  }
}

TEST(FocalLossTest, StaysFiniteAtAnyLogit) {
  const Tensor x = torch::tensor({-90.0F, -30.0F, 0.0F, 30.0F, 90.0F}).requires_grad_();
  for (const double target : {0.0, 1.0}) {
    const Tensor loss = focal_loss(x, torch::full_like(x, target));
    EXPECT_TRUE(loss.isfinite().item<bool>());
    loss.backward();
    EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
  }
}

TEST(DiceLossTest, IsTheMeanOverSamples) {
  const Tensor logits = torch::tensor({20.0F, 20.0F, -20.0F, -20.0F}).view({2, 2});
  const Tensor targets = torch::tensor({1.0F, 1.0F, 1.0F, 1.0F}).view({2, 2});
  // All found: 0. None found: 1 - 1 / 3.
  EXPECT_NEAR(dice_loss(logits, targets).item<double>(), (0.0 + 2.0 / 3.0) / 2, 1e-6);
}

}  // namespace
}  // namespace referent::losses
