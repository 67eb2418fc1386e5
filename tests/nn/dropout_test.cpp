// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/dropout.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

namespace referent::nn {
namespace {

using torch::Tensor;

constexpr double kRate = 0.1;

Tensor zeros_of(std::uint64_t seed, std::int64_t count) {
  return DropoutMask(kRate, seed).apply(torch::ones({count})) == 0;
}

TEST(DropoutTest, ZeroesTheShareAndKeepsTheMean) {
  constexpr std::int64_t kCount = 4'000'000;
  torch::manual_seed(1);
  const Tensor y = nn::dropout(torch::ones({kCount}), kRate, /*training=*/true);
  const double share = (y == 0).to(torch::kFloat64).mean().item<double>();
  EXPECT_NEAR(share, kRate, 5 * std::sqrt(kRate * (1 - kRate) / kCount));
  EXPECT_EQ(y.max().item<float>(), static_cast<float>(1 / (1 - kRate)));
}

TEST(DropoutTest, NeighboursSeedsAndDistantPlacesAreIndependent) {
  constexpr std::int64_t kCount = 2'000'000;
  const double deviation = std::sqrt(kRate * kRate * (1 - kRate * kRate) / kCount);
  const auto together = [&](const Tensor& a, const Tensor& b) {
    return a.logical_and(b).to(torch::kFloat64).mean().item<double>();
  };
  const Tensor zeros = zeros_of(7, kCount);
  for (const std::int64_t distance : {1, 2, 3, 8, 64, 1024, 65536}) {
    EXPECT_NEAR(together(zeros, zeros.roll(distance)), kRate * kRate, 6 * deviation) << distance;
  }
  for (const std::uint64_t seed : {6UL, 8UL, 7UL + (1UL << 32U), 7UL + (1UL << 63U)}) {
    EXPECT_NEAR(together(zeros, zeros_of(seed, kCount)), kRate * kRate, 6 * deviation) << seed;
  }
}

TEST(DropoutTest, DependsOnSeedAndPlaceAlone) {
  const Tensor x = torch::rand({300, 1000}) + 1;
  const DropoutMask mask(0.3, 99);
  const int threads = at::get_num_threads();
  const Tensor y = mask.apply(x);
  at::set_num_threads(1);
  EXPECT_TRUE(torch::equal(mask.apply(x), y));
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(mask.apply(x.to(torch::kFloat64)) == 0, y == 0));
  EXPECT_TRUE(torch::equal(mask.apply(x.flatten()), y.flatten()));
  EXPECT_FALSE(torch::equal(DropoutMask(0.3, 100).apply(x), y));
}

TEST(DropoutTest, PassesGradientsWhereItPassedValues) {
  const Tensor x = torch::rand({50, 40}).add_(1).set_requires_grad(true);
  torch::manual_seed(2);
  const Tensor y = nn::dropout(x, 0.5, /*training=*/true);
  y.sum().backward();
  EXPECT_TRUE(torch::equal(x.grad(), (y != 0).to(torch::kFloat32) * 2));
  torch::manual_seed(2);
  EXPECT_TRUE(torch::equal(nn::dropout(x, 0.5, true), y));
  EXPECT_FALSE(torch::equal(nn::dropout(x, 0.5, true), y));
}

TEST(DropoutTest, IsNothingOutsideOfTraining) {
  const Tensor x = torch::rand({3});
  EXPECT_TRUE(nn::dropout(x, 0.5, /*training=*/false).is_same(x));
  EXPECT_TRUE(nn::dropout(x, 0.0, /*training=*/true).is_same(x));
  EXPECT_EQ(nn::dropout(x.to(torch::kBFloat16), 0.5, true).scalar_type(), torch::kBFloat16);
}

}  // namespace
}  // namespace referent::nn
