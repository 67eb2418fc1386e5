// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/relative_attention.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "referent/nn/relative_position.h"
#include "support/test_device.h"

namespace referent::nn {
namespace {

using torch::Tensor;

constexpr std::int64_t kHeads = 3;
constexpr std::int64_t kDepth = 16;

/// Queries, keys, values and both tables, which learn, and the gradient of what attention gives.
struct Case {
  Case(std::int64_t height, std::int64_t width, torch::ScalarType type) {
    torch::manual_seed(1);
    const auto make = [&](at::IntArrayRef shape) {
      return torch::randn(shape, torch::kFloat64)
          .to(testing::test_device())
          .to(type)
          .set_requires_grad(true);
    };
    const std::int64_t cells = height * width;
    for (int i = 0; i < 3; ++i) leaves.push_back(make({2, cells, kHeads * kDepth}));
    leaves.push_back(make({2 * height - 1, kDepth}));
    leaves.push_back(make({2 * width - 1, kDepth}));
    gradient = make({2, cells, kHeads * kDepth}).detach();
  }

  /// What is given and every gradient.
  template <typename Attention>
  std::vector<Tensor> run(const Attention& attention) const {
    const Tensor y = attention(leaves[0], leaves[1], leaves[2], leaves[3], leaves[4]);
    std::vector<Tensor> all = torch::autograd::grad({y}, leaves, {gradient});
    all.push_back(y.detach());
    return all;
  }

  std::vector<Tensor> leaves;
  Tensor gradient;
};

/// With a table of scores.
auto literal(std::int64_t height, std::int64_t width) {
  return [=](const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& rows,
             const Tensor& columns) {
    const auto split = [](const Tensor& x) { return x.unflatten(2, {kHeads, -1}).transpose(1, 2); };
    const Tensor scores =
        split(q).matmul(split(k).transpose(-1, -2)) / std::sqrt(static_cast<double>(kDepth)) +
        decomposed_relative_scores(split(q), rows, columns, height, width);
    return scores.softmax(-1).matmul(split(v)).transpose(1, 2).flatten(2);
  };
}

double worst(const std::vector<Tensor>& values, const std::vector<Tensor>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Tensor exact = expected[i].to(torch::kFloat64);
    const double scale = exact.abs().max().item<double>();
    const double off = (values[i].to(torch::kFloat64) - exact).abs().max().item<double>();
    worst = std::max(worst, off / scale);
  }
  return worst;
}

TEST(RelativeAttentionTest, FeaturesGiveWhatATableOfScoresGives) {
  for (const auto& [height, width] : {std::pair{3, 3}, {4, 7}, {14, 14}}) {
    const Case exact(height, width, torch::kFloat64);
    const auto expected = exact.run(literal(height, width));
    const auto by_features = exact.run([&](const auto&... inputs) {
      return relative_attention_by_features(inputs..., height, width, kHeads);
    });
    EXPECT_LT(worst(by_features, expected), 1e-12) << height << " x " << width;
    const auto chosen = exact.run([&](const auto&... inputs) {
      return relative_attention(inputs..., height, width, kHeads);
    });
    EXPECT_LT(worst(chosen, expected), 1e-12) << height << " x " << width;
  }
}

#ifdef REFERENT_TEST_ON_GPU
TEST(RelativeAttentionTest, In16BitsIsAsExactAsStepsAre) {
  for (const auto type : {torch::kBFloat16, torch::kHalf}) {
    for (const auto& [height, width] : {std::pair{4, 7}, {14, 14}, {28, 28}}) {
      const Case low(height, width, type);
      Case exact(height, width, torch::kFloat64);
      for (std::size_t i = 0; i < exact.leaves.size(); ++i) {
        exact.leaves[i] = low.leaves[i].detach().to(torch::kFloat64).set_requires_grad(true);
      }
      exact.gradient = low.gradient.to(torch::kFloat64);
      const auto expected = exact.run(literal(height, width));
      const double steps = worst(low.run(literal(height, width)), expected);
      const double chosen = worst(low.run([&](const auto&... inputs) {
        return relative_attention(inputs..., height, width, kHeads);
      }),
                                  expected);
      EXPECT_LT(chosen, 2 * steps) << type << " " << height << " x " << width;
    }
  }
}
#endif

TEST(AbsolutePositionsTest, AreResizedBicubically) {
  torch::manual_seed(2);
  const Tensor table = torch::randn({1, 1 + 14 * 14, 6});
  for (const auto& [height, width] : {std::pair{28, 28}, {14, 14}, {9, 31}}) {
    const Tensor grid = table.narrow(1, 1, 14 * 14).reshape({1, 14, 14, 6});
    const Tensor expected =
        at::upsample_bicubic2d(grid.permute({0, 3, 1, 2}), {height, width}, false)
            .permute({0, 2, 3, 1});
    const Tensor found =
        absolute_positions(table.to(testing::test_device()), true, height, width).cpu();
    EXPECT_LT((found - expected).abs().max().item<double>(), 1e-5) << height << " x " << width;
  }
}

}  // namespace
}  // namespace referent::nn
