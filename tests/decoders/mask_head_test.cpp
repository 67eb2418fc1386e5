// SPDX-License-Identifier: Apache-2.0
#include "referent/decoders/mask_head.h"

#include <gtest/gtest.h>

namespace referent::decoders {
namespace {

using torch::Tensor;

TEST(MaskHeadTest, GivesLogitsOfThePicturesSizeFromAnyGrid) {
  torch::manual_seed(1);
  MaskHead head(MaskHeadConfig{8}, /*visual_width=*/6, /*text_width=*/4);
  TextFeatures text;
  text.tokens = torch::randn({2, 3, 4});
  VisualFeatures visual;
  visual.tokens = torch::randn({2, 3 * 5, 6});
  visual.height = 3;
  visual.width = 5;
  EXPECT_EQ(head->forward(text, visual, 48, 80).sizes(), torch::IntArrayRef({2, 1, 48, 80}));
}

TEST(MaskHeadTest, ACellSpeaksForItsOwnPixels) {
  torch::manual_seed(2);
  MaskHead head(MaskHeadConfig{8}, 6, 4);
  const torch::NoGradGuard no_grad;
  TextFeatures text;
  text.tokens = torch::randn({1, 1, 4});
  VisualFeatures visual;
  visual.tokens = torch::randn({1, 4 * 4, 6});
  visual.height = 4;
  visual.width = 4;
  // Sixteen pixels a side: the logits are those of the quarter grid themselves.
  const Tensor before = head->forward(text, visual, 16, 16);
  visual.tokens[0][5].normal_();  // row 1, column 1
  const Tensor changed = (head->forward(text, visual, 16, 16) - before).abs().gt(1e-6)[0][0];
  EXPECT_TRUE(changed.narrow(0, 4, 4).narrow(1, 4, 4).all().item<bool>());
  EXPECT_EQ(changed.sum().item<std::int64_t>(), 16);
}

}  // namespace
}  // namespace referent::decoders
