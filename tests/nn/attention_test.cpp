// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/attention.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <cmath>
#include <limits>

#include "support/test_device.h"

namespace referent::nn {
namespace {

using testing::test_device;
using torch::Tensor;

constexpr std::int64_t kHeads = 4;

struct Sizes {
  std::int64_t queries, keys, width;
  std::int64_t padding;  ///< keys of the second sample that are masked, the first ones
};
constexpr Sizes kSmall{7, 13, 32, 4};
/// What MMCA's fusion transformer has on a wide photo: more masked keys than a kernel takes at
/// once.
constexpr Sizes kFull{421, 421, 128, 160};

struct Case {
  Tensor q, k, v, mask;
};

/// Two samples, the second with padded keys; `additive`: as scores to add.
Case make_case(torch::ScalarType type, bool additive, const Sizes& sizes = kSmall) {
  torch::manual_seed(5);
  const auto leaf = [&](std::int64_t rows) {
    return torch::randn({2, rows, sizes.width}, torch::TensorOptions(type).device(test_device()))
        .set_requires_grad(true);
  };
  Tensor keep = torch::ones({2, 1, 1, sizes.keys}, torch::kBool);
  keep[1].narrow(2, 0, sizes.padding).fill_(false);
  const Tensor scores = torch::where(keep, 0.0, -10000.0).to(type);
  return {leaf(sizes.queries), leaf(sizes.keys), leaf(sizes.keys),
          (additive ? scores : keep).to(test_device())};
}

/// The definition, in operators that are known to autograd.
Tensor definition(const Case& in) {
  const auto split = [](const Tensor& x) { return x.unflatten(2, {kHeads, -1}).transpose(1, 2); };
  const Tensor q = split(in.q) * (1 / std::sqrt(static_cast<double>(in.q.size(2)) / kHeads));
  Tensor scores = q.matmul(split(in.k).transpose(-2, -1));
  scores = in.mask.scalar_type() == torch::kBool
               ? scores.masked_fill(in.mask.logical_not(), -std::numeric_limits<double>::infinity())
               : scores + in.mask;
  return scores.softmax(-1).matmul(split(in.v)).transpose(1, 2).flatten(2);
}

std::vector<Tensor> gradients(const Tensor& y, const Case& in) {
  torch::manual_seed(6);
  const Tensor weights = torch::randn_like(y);
  return torch::autograd::grad({(y * weights).sum()}, {in.q, in.k, in.v});
}

void expect_as_defined(torch::ScalarType type, double tolerance, const Sizes& sizes = kSmall) {
  for (const bool additive : {false, true}) {
    const Case in = make_case(type, additive, sizes);
    const Tensor y = multi_head_attention(in.q, in.k, in.v, in.mask, kHeads, 0.0);
    const Tensor expected = definition(in);
    EXPECT_LT((y - expected).abs().max().item<double>(), tolerance) << type;
    const auto of_ours = gradients(y, in);
    const auto of_definition = gradients(expected, in);
    for (std::size_t i = 0; i < of_ours.size(); ++i) {
      EXPECT_LT((of_ours[i] - of_definition[i]).abs().max().item<double>(), tolerance)
          << type << ", input " << i;
    }
  }
}

TEST(AttentionTest, IsAsDefinedWithItsGradients) {
  expect_as_defined(torch::kFloat64, 1e-12);
  expect_as_defined(torch::kFloat32, 1e-5);
  expect_as_defined(torch::kFloat32, 1e-5, kFull);
  if (test_device().is_cuda()) {
    for (const torch::ScalarType type : {torch::kBFloat16, torch::kHalf}) {
      expect_as_defined(type, 0.1);
      expect_as_defined(type, 0.1, kFull);
    }
  }
}

TEST(AttentionTest, ScoresThatAreAddedGetTheirGradient) {
  Case in = make_case(torch::kFloat32, /*additive=*/true);
  in.mask = torch::randn({2, kHeads, 7, 13}, in.q.options().requires_grad(true));
  const auto of_mask = [&](const Tensor& y) {
    return torch::autograd::grad({y.square().sum()}, {in.mask}).front();
  };
  const Tensor ours = of_mask(multi_head_attention(in.q, in.k, in.v, in.mask, kHeads, 0.0));
  EXPECT_LT((ours - of_mask(definition(in))).abs().max().item<double>(), 1e-5);
}

#ifndef REFERENT_TEST_ON_GPU
TEST(AttentionTest, TrainsWithTheBitsOfTheDefinition) {
  const Case in = make_case(torch::kFloat32, /*additive=*/false);
  EXPECT_TRUE(
      torch::equal(multi_head_attention(in.q, in.k, in.v, in.mask, kHeads, 0.0), definition(in)));
}

TEST(AttentionTest, GradientsThroughDropoutAreThoseOfDifferences) {
  const Case in = make_case(torch::kFloat64, /*additive=*/false);
  const auto loss = [&] {
    torch::manual_seed(8);  // the same zeros every time
    return multi_head_attention(in.q, in.k, in.v, in.mask, kHeads, 0.4).square().sum();
  };
  const std::vector<Tensor> inputs{in.q, in.k, in.v};
  const auto of_inputs = torch::autograd::grad({loss()}, inputs);
  constexpr double kStep = 1e-6;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (const std::int64_t place : {0, 100, 223}) {
      Tensor element = inputs[i].detach().flatten().narrow(0, place, 1);
      element.add_(kStep);
      const double above = loss().item<double>();
      element.sub_(2 * kStep);
      const double below = loss().item<double>();
      element.add_(kStep);
      EXPECT_NEAR(of_inputs[i].flatten()[place].item<double>(), (above - below) / (2 * kStep),
                  1e-6);
    }
  }
}
#endif

TEST(AttentionTest, RowsThatAreNotAlignedAreCopied) {
  const Tensor x =
      torch::arange(2 * 5 * 12, torch::TensorOptions(torch::kFloat32).device(test_device()))
          .view({2, 5, 12});
  const Tensor whole = aligned_rows(x.narrow(2, 4, 8));
  const Tensor odd = aligned_rows(x.narrow(2, 3, 8));
  EXPECT_TRUE(torch::equal(odd, x.narrow(2, 3, 8)));
  EXPECT_EQ(whole.stride(1), 12);
  EXPECT_EQ(odd.stride(1), test_device().is_cuda() ? 8 : 12);
}

}  // namespace
}  // namespace referent::nn
