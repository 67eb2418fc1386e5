// SPDX-License-Identifier: Apache-2.0
#include "referent/losses/box_losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace referent::losses {
namespace {

using torch::Tensor;

/// Boxes of the model's form from corners.
Tensor boxes(std::initializer_list<float> corners) {
  const auto part = torch::tensor(std::vector<float>(corners)).view({-1, 2, 2}).unbind(1);
  return torch::cat({0.5 * (part[0] + part[1]), part[1] - part[0]}, 1);
}

TEST(BoxOverlapTest, KnowsAPairByHand) {
  // 0.4 x 0.4 and 0.4 x 0.2 sharing 0.2 x 0.2.
  const Tensor a = boxes({0.0F, 0.0F, 0.4F, 0.4F});
  const Tensor b = boxes({0.2F, 0.2F, 0.6F, 0.4F});
  const double iou = 0.04 / 0.2;
  EXPECT_NEAR(box_overlap(Overlap::kIou, a, b).item<double>(), iou, 1e-6);
  EXPECT_NEAR(box_overlap(Overlap::kGiou, a, b).item<double>(), iou - (0.24 - 0.2) / 0.24, 1e-6);
  const double diou = iou - (0.2 * 0.2 + 0.1 * 0.1) / (0.6 * 0.6 + 0.4 * 0.4);
  EXPECT_NEAR(box_overlap(Overlap::kDiou, a, b).item<double>(), diou, 1e-6);
  const double v = 4 / std::pow(std::numbers::pi, 2) * std::pow(std::atan(1.0) - std::atan(2.0), 2);
  EXPECT_NEAR(box_overlap(Overlap::kCiou, a, b).item<double>(), diou - v * v / (1 - iou + v), 1e-5);
}

TEST(BoxOverlapTest, ABoxOverlapsItselfWholly) {
  const Tensor a = boxes({0.1F, 0.2F, 0.5F, 0.9F});
  for (const Overlap overlap : {Overlap::kIou, Overlap::kGiou, Overlap::kDiou, Overlap::kCiou}) {
    EXPECT_NEAR(box_overlap(overlap, a, a).item<double>(), 1.0, 1e-6);
  }
}

TEST(BoxOverlapTest, GeneralisedIouFallsWithTheGapOfDisjointBoxes) {
  const Tensor a = boxes({0.0F, 0.0F, 0.1F, 0.1F});
  const Tensor near = boxes({0.2F, 0.0F, 0.3F, 0.1F});
  const Tensor far = boxes({0.8F, 0.0F, 0.9F, 0.1F});
  EXPECT_GT(box_overlap(Overlap::kGiou, a, near).item<double>(),
            box_overlap(Overlap::kGiou, a, far).item<double>());
  EXPECT_EQ(box_overlap(Overlap::kIou, a, near).item<double>(), 0.0);
}

TEST(BoxOverlapTest, AnEmptyPairHasAFiniteGradient) {
  const Tensor a = boxes({0.5F, 0.5F, 0.5F, 0.5F}).requires_grad_();
  box_overlap(Overlap::kIou, a, boxes({0.5F, 0.5F, 0.5F, 0.5F})).sum().backward();
  EXPECT_TRUE(a.grad().isfinite().all().item<bool>());
}

TEST(RegressionLossTest, SumsOverAllElements) {
  const Tensor a = torch::tensor({0.0F, 0.0F, 1.0F, 3.0F}).view({1, 4});
  const Tensor b = torch::zeros({1, 4});
  EXPECT_NEAR(regression_loss(BoxLoss::kL1, a, b).item<double>(), 4.0, 1e-6);
  EXPECT_NEAR(regression_loss(BoxLoss::kSmoothL1, a, b).item<double>(), 0.5 + 2.5, 1e-6);
}

}  // namespace
}  // namespace referent::losses
