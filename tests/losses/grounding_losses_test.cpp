// SPDX-License-Identifier: Apache-2.0
#include "referent/losses/grounding_losses.h"

#include <gtest/gtest.h>

#include "referent/losses/mask_losses.h"

namespace referent::losses {
namespace {

struct Case {
  Output output;
  Batch batch;
};

Case make_case() {
  torch::manual_seed(1);
  Case c;
  c.output.boxes = torch::rand({3, 1, 4});
  c.output.mask_logits = torch::randn({3, 1, 8, 8});
  c.batch.boxes = torch::rand({3, 4});
  c.batch.masks = torch::rand({3, 8, 8}).gt(0.5).to(torch::kUInt8);
  c.batch.has_mask = torch::ones({3}, torch::kBool);
  return c;
}

double part(const Losses& losses, const std::string& name) {
  for (const auto& [key, value] : losses.parts) {
    if (key == name) return value.item<double>();
  }
  ADD_FAILURE() << "no part " << name;
  return 0;
}

TEST(GroundingLossesTest, TheTotalIsTheWeightedSumOfItsParts) {
  LossConfig config;
  config.box_weight = 2;
  config.giou_weight = 3;
  config.focal_weight = 5;
  config.dice_weight = 7;
  const Case c = make_case();
  const Losses losses = grounding_losses(config, c.output, c.batch);
  EXPECT_NEAR(losses.total.item<double>(),
              2 * part(losses, "box") + 3 * part(losses, "giou") + 5 * part(losses, "focal") +
                  7 * part(losses, "dice"),
              1e-5);
}

TEST(GroundingLossesTest, ASampleWithoutMaskHasNoPartInTheMaskLosses) {
  Case c = make_case();
  c.batch.has_mask[1] = false;
  const Losses losses = grounding_losses({}, c.output, c.batch);
  const Tensor rows = torch::tensor({0, 2}, torch::kInt64);
  const Tensor logits = c.output.mask_logits.squeeze(1).index_select(0, rows);
  const Tensor targets = c.batch.masks.index_select(0, rows).to(torch::kFloat32);
  EXPECT_NEAR(part(losses, "focal"), focal_loss(logits, targets).item<double>(), 1e-6);
  EXPECT_NEAR(part(losses, "dice"), dice_loss(logits, targets).item<double>(), 1e-6);
}

TEST(GroundingLossesTest, ABatchWithoutMasksLearnsItsBoxesOnly) {
  Case c = make_case();
  c.batch.masks = Tensor();
  c.batch.has_mask = Tensor();
  c.output.boxes.requires_grad_();
  const Losses losses = grounding_losses({}, c.output, c.batch);
  EXPECT_EQ(losses.parts.size(), 2U);
  losses.total.backward();
  EXPECT_TRUE(c.output.boxes.grad().abs().sum().gt(0).item<bool>());
}

TEST(GroundingLossesTest, AHeadThatIsAbsentHasNoParts) {
  Case c = make_case();
  const auto names = [&] {
    std::string list;
    for (const auto& part : grounding_losses({}, c.output, c.batch).parts) {
      list += part.first + " ";
    }
    return list;
  };
  const Tensor boxes = c.output.boxes;
  const Tensor masks = c.output.mask_logits;
  c.output = {boxes, {}, {}};
  EXPECT_EQ(names(), "box giou ");
  c.output = {{}, {}, masks};
  EXPECT_EQ(names(), "focal dice ");
}

}  // namespace
}  // namespace referent::losses
