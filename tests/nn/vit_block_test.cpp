// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/vit_block.h"

#include <gtest/gtest.h>

#include <cmath>

#include "referent/nn/relative_position.h"

namespace referent::nn {
namespace {

using torch::Tensor;

VitBlockOptions options(std::int64_t window) {
  VitBlockOptions options;
  options.width = 12;
  options.heads = 3;
  options.mlp_width = 20;
  options.window = window;
  options.grid = 5;
  return options;
}

void randomise(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (Tensor& parameter : module.parameters()) parameter.normal_(0, 0.5);
}

/// Attention of a padded grid, in windows, as the formula has it: one window at a time.
Tensor literal_attention(const Tensor& x, torch::OrderedDict<std::string, Tensor>& p,
                         std::int64_t window) {
  const std::int64_t rows = (x.size(1) + window - 1) / window;
  const std::int64_t columns = (x.size(2) + window - 1) / window;
  Tensor padded =
      torch::zeros({x.size(0), rows * window, columns * window, x.size(3)}, x.options());
  padded.narrow(1, 0, x.size(1)).narrow(2, 0, x.size(2)).copy_(x);
  Tensor y = torch::empty_like(padded);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto cut = [&](const Tensor& t) {
        return t.narrow(1, r * window, window).narrow(2, c * window, window);
      };
      const auto qkv =
          torch::linear(cut(padded).flatten(1, 2), p["qkv.weight"], p["qkv.bias"]).chunk(3, -1);
      const auto heads = [](const Tensor& t) { return t.unflatten(-1, {3, -1}).transpose(1, 2); };
      const Tensor q = heads(qkv[0]);
      const Tensor scores =
          q.matmul(heads(qkv[1]).transpose(-1, -2)) / std::sqrt(4.0) +
          decomposed_relative_scores(q, p["rel_pos_h"], p["rel_pos_w"], window, window);
      const Tensor out = scores.softmax(-1).matmul(heads(qkv[2])).transpose(1, 2).flatten(2);
      cut(y).copy_(
          torch::linear(out, p["proj.weight"], p["proj.bias"]).unflatten(1, {window, window}));
    }
  }
  return y.narrow(1, 0, x.size(1)).narrow(2, 0, x.size(2));
}

TEST(VitAttentionTest, EqualsTheFormulaWithAndWithoutPaddedWindows) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  const Tensor x = torch::randn({2, 5, 5, 12});
  for (const std::int64_t window : {0, 2, 5}) {
    VitAttention attention(options(window));
    randomise(*attention);
    auto parameters = attention->named_parameters();
    const Tensor expected = literal_attention(x, parameters, window == 0 ? 5 : window);
    EXPECT_TRUE(torch::allclose(attention->forward(x, nullptr, ""), expected, 1e-4, 1e-5))
        << window;
  }
}

TEST(VitAttentionTest, TheBiasLearnsFromPaddedCellsToo) {
  torch::manual_seed(2);
  const Tensor x = torch::randn({1, 3, 3, 12});
  VitAttention attention(options(2));
  randomise(*attention);
  auto parameters = attention->named_parameters();
  attention->forward(x, nullptr, "").sum().backward();
  const Tensor gradient = parameters["qkv.bias"].grad().clone();
  attention->zero_grad();
  {
    // The same through the literal formula, whose in-place copies autograd follows.
    literal_attention(x, parameters, 2).sum().backward();
  }
  EXPECT_TRUE(torch::allclose(gradient, parameters["qkv.bias"].grad(), 1e-4, 1e-4));
}

TEST(VitBlockTest, DropPathLeavesWholeSamplesAndIsOffInEvaluation) {
  torch::manual_seed(3);
  const torch::NoGradGuard no_grad;
  VitBlockOptions dropping = options(0);
  dropping.drop_path = 0.5;
  VitBlock block(dropping);
  randomise(*block);
  const Tensor x = torch::randn({1, 5, 5, 12}).repeat({64, 1, 1, 1});
  block->eval();
  const Tensor whole = block->forward(x, nullptr, "");
  EXPECT_TRUE(torch::allclose(whole, whole.narrow(0, 0, 1).expand_as(whole), 1e-5, 1e-5));
  block->train();
  const Tensor change = (block->forward(x, nullptr, "") - x).abs().amax({1, 2, 3});
  const auto untouched = change.eq(0).sum().item<std::int64_t>();
  // Both branches of a sample fall away in a quarter of 64.
  EXPECT_GT(untouched, 5);
  EXPECT_LT(untouched, 30);
}

TEST(VitBlockTest, HasTheReleasedNames) {
  const VitBlock block(options(2));
  const auto parameters = block->named_parameters();
  for (const char* name : {"norm1.weight", "attn.rel_pos_h", "attn.rel_pos_w", "attn.qkv.weight",
                           "attn.proj.bias", "norm2.bias", "mlp.fc1.weight", "mlp.fc2.bias"}) {
    EXPECT_TRUE(parameters.contains(name)) << name;
  }
  EXPECT_EQ(parameters["attn.rel_pos_h"].sizes(), torch::IntArrayRef({3, 4}));
}

}  // namespace
}  // namespace referent::nn
