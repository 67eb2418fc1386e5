// SPDX-License-Identifier: Apache-2.0
#include <torch/nn/modules/transformerlayer.h>

#include "referent/nn/encoder_layer.h"

#include <gtest/gtest.h>

namespace referent::nn {
namespace {

using torch::Tensor;

constexpr TransformerConfig kConfig{1, 16, 4, 32, 0.0};

TEST(EncoderLayerTest, EqualsLibTorchsWithoutPosition) {
  torch::manual_seed(1);
  EncoderLayer ours(kConfig);
  torch::nn::TransformerEncoderLayer theirs(
      torch::nn::TransformerEncoderLayerOptions(16, 4).dim_feedforward(32).dropout(0.0));
  const torch::NoGradGuard no_grad;
  auto source = ours->named_parameters();
  for (auto& item : theirs->named_parameters()) item.value().copy_(source[item.key()]);

  const Tensor x = torch::randn({2, 5, 16});
  Tensor padding = torch::zeros({2, 5}, torch::kBool);
  padding[1].narrow(0, 3, 2).fill_(true);
  const Tensor y = ours->forward(x, torch::zeros({1, 5, 16}), padding);
  const Tensor expected = theirs->forward(x.transpose(0, 1), {}, padding).transpose(0, 1);
  EXPECT_TRUE(torch::allclose(y, expected, 1e-5, 1e-5));
}

TEST(EncoderLayerTest, NormFirstNormalisesInputsOfSublayersOnly) {
  torch::manual_seed(4);
  TransformerConfig config = kConfig;
  config.norm_first = true;
  EncoderLayer layer(config);
  const torch::NoGradGuard no_grad;
  auto parameters = layer->named_parameters();
  const Tensor x = 5 * torch::randn({2, 5, 16});
  const Tensor position = torch::zeros({1, 5, 16});
  // A shift of every feature is what a norm takes away; the sum carries it on.
  EXPECT_TRUE(torch::allclose(layer->forward(x + 3, position, {}),
                              layer->forward(x, position, {}) + 3, 1e-4, 1e-4));
  // Without its sublayers' outputs a layer is the identity.
  parameters["self_attn.out_proj.weight"].zero_();
  parameters["self_attn.out_proj.bias"].zero_();
  parameters["linear2.weight"].zero_();
  parameters["linear2.bias"].zero_();
  EXPECT_TRUE(torch::equal(layer->forward(x, position, {}), x));
}

TEST(EncoderLayerTest, PaddedTokensChangeNothing) {
  torch::manual_seed(2);
  EncoderLayer layer(kConfig);
  const torch::NoGradGuard no_grad;
  const Tensor x = torch::randn({1, 5, 16});
  const Tensor position = torch::randn({1, 5, 16});
  Tensor padding = torch::zeros({1, 5}, torch::kBool);
  padding[0][4] = true;
  Tensor changed = x.clone();
  changed[0][4].fill_(100.0);
  EXPECT_TRUE(torch::allclose(layer->forward(x, position, padding).narrow(1, 0, 4),
                              layer->forward(changed, position, padding).narrow(1, 0, 4)));
}

TEST(EncoderLayerTest, PositionReachesQueriesAndKeysButNotValues) {
  torch::manual_seed(3);
  SelfAttention attention(16, 4, 0.0);
  const torch::NoGradGuard no_grad;
  const Tensor x = torch::randn({1, 5, 16});
  // Without query and key weights every score is equal, so position can only come in by the values.
  auto parameters = attention->named_parameters();
  parameters["in_proj_weight"].narrow(0, 0, 32).zero_();
  EXPECT_TRUE(torch::allclose(attention->forward(x, torch::zeros({1, 5, 16}), {}, nullptr),
                              attention->forward(x, torch::randn({1, 5, 16}), {}, nullptr)));
}

}  // namespace
}  // namespace referent::nn
