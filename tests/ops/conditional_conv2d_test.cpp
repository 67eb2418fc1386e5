// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/conditional_conv2d.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/utils.h>

namespace referent::ops {
namespace {

using torch::Tensor;

Tensor leaf(at::IntArrayRef shape) {
  return torch::randn(shape, torch::kFloat64).set_requires_grad(true);
}

/// down and up as one convolution with a weight of its own for every sample.
Tensor reference(const Tensor& x, const ConvolutionUpdate& u, const Tensor& residual) {
  std::vector<Tensor> rows;
  for (std::int64_t b = 0; b < x.size(0); ++b) {
    const Tensor scale = u.core[b].view({-1, 1, 1, 1});
    const Tensor bias = u.down_bias.defined() ? u.down_bias * u.core[b] : Tensor();
    const Tensor down =
        torch::conv2d(x[b].unsqueeze(0), u.down_weight * scale, bias, 1, u.down_weight.size(2) / 2);
    rows.push_back(torch::conv2d(down, u.up_weight, u.up_bias, 1, u.up_weight.size(2) / 2));
  }
  const Tensor y = torch::cat(rows);
  return residual.defined() ? y + residual : y;
}

void expect_equal(const Tensor& x, const ConvolutionUpdate& u, const Tensor& residual) {
  const Tensor y = conditional_conv2d(x, u, residual);
  const Tensor expected = reference(x, u, residual);
  EXPECT_TRUE(torch::allclose(y, expected, 1e-10, 1e-10));
  std::vector<Tensor> leaves{x, u.down_weight, u.core, u.up_weight};
  for (const Tensor& optional : {u.down_bias, u.up_bias, residual}) {
    if (optional.defined()) leaves.push_back(optional);
  }
  const Tensor upstream = torch::randn_like(y);
  const auto gradients = torch::autograd::grad({y}, leaves, {upstream});
  const auto expected_gradients = torch::autograd::grad({expected}, leaves, {upstream});
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_TRUE(torch::allclose(gradients[i], expected_gradients[i], 1e-9, 1e-9)) << i;
  }
}

TEST(ConditionalConv2dTest, ReleasedFormEqualsPerSampleConvolutions) {
  torch::manual_seed(1);
  const Tensor x = leaf({2, 5, 6, 7});
  expect_equal(x, {leaf({3, 5, 3, 3}), leaf({3}), leaf({2, 3}), leaf({5, 3, 1, 1}), leaf({5})},
               leaf({2, 5, 6, 7}));
}

TEST(ConditionalConv2dTest, PaperFormWithoutBiasesAndResidual) {
  torch::manual_seed(2);
  const Tensor x = leaf({2, 5, 6, 7});
  expect_equal(x, {leaf({3, 5, 1, 1}), {}, leaf({2, 3}), leaf({4, 3, 3, 3}), {}}, {});
}

TEST(ConditionalConv2dTest, TakesChannelsLastAndEmptyBatches) {
  torch::manual_seed(3);
  const ConvolutionUpdate u{leaf({3, 5, 3, 3}), leaf({3}), leaf({2, 3}), leaf({5, 3, 1, 1}),
                            leaf({5})};
  const Tensor x = leaf({2, 5, 6, 7});
  const Tensor last = x.contiguous(torch::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(torch::allclose(conditional_conv2d(last, u, {}), reference(x, u, {}), 1e-10, 1e-10));
  ConvolutionUpdate empty = u;
  empty.core = u.core.narrow(0, 0, 0);
  EXPECT_EQ(conditional_conv2d(x.narrow(0, 0, 0), empty, {}).size(0), 0);
}

TEST(ConditionalConv2dTest, RefusesWhatDoesNotFit) {
  const ConvolutionUpdate u{leaf({3, 5, 3, 3}), leaf({3}), leaf({2, 3}), leaf({5, 3, 1, 1}),
                            leaf({5})};
  EXPECT_THROW(conditional_conv2d(leaf({2, 4, 6, 7}), u, {}), c10::Error);
  ConvolutionUpdate even = u;
  even.down_weight = leaf({3, 5, 2, 2});
  EXPECT_THROW(conditional_conv2d(leaf({2, 5, 6, 7}), even, {}), c10::Error);
}

}  // namespace
}  // namespace referent::ops
