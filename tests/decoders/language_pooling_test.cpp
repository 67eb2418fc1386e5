// SPDX-License-Identifier: Apache-2.0
#include "referent/decoders/language_pooling.h"

#include <gtest/gtest.h>

#include <cmath>

namespace referent::decoders {
namespace {

using torch::Tensor;

TEST(LanguagePoolingTest, AveragesVisualTokensByAttentionFromTheFirstWord) {
  torch::manual_seed(1);
  DecoderConfig config;
  config.attention_width = 5;
  LanguagePooling pooling(config, {/*visual_width=*/6, /*visual_tokens=*/7, /*text_width=*/4,
                                   /*text_tokens=*/3});
  EXPECT_EQ(pooling.width(), 6);
  const torch::NoGradGuard no_grad;
  auto p = pooling.named_parameters();
  TextFeatures text;
  text.tokens = torch::randn({2, 3, 4});
  VisualFeatures visual;
  visual.tokens = torch::randn({2, 7, 6});
  visual.padding = torch::ones({2, 7}, torch::kBool);  // attended to all the same

  const Tensor pooled = pooling.forward(text, visual);
  for (std::int64_t b = 0; b < 2; ++b) {
    const Tensor query = torch::linear(text.tokens[b][0], p["q_proj.weight"], p["q_proj.bias"]);
    const Tensor keys = torch::linear(visual.tokens[b], p["k_proj.weight"], p["k_proj.bias"]);
    const Tensor attention = (keys.mv(query) / std::sqrt(5.0)).softmax(0);
    EXPECT_TRUE(torch::allclose(pooled[b], visual.tokens[b].t().mv(attention), 1e-5, 1e-6));
  }
}

}  // namespace
}  // namespace referent::decoders
