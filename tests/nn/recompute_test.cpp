// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/recompute.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include "referent/nn/autocast.h"

namespace referent::nn {
namespace {

using torch::Tensor;
using Tensors = std::vector<Tensor>;

struct Outcome {
  Tensor output;
  Tensors gradients;  ///< of two inputs and two parameters
  int times = 0;      ///< that the block was computed
};

/// A block with two inputs, parameters and dropout, between other layers.
Outcome run(bool forget, torch::ScalarType type = torch::kFloat32) {
  torch::manual_seed(3);
  torch::nn::Linear first(6, 6), inside(6, 6);
  const Tensor x = torch::randn({4, 6}).set_requires_grad(true);
  const Tensor other = torch::randn({4, 6}).set_requires_grad(true);
  Outcome result;
  const BlockFunction block = [&](const Tensors& in) {
    ++result.times;
    return torch::dropout(torch::relu(inside(in[0])) * in[1], 0.5, /*train=*/true);
  };
  {
    const ForgetActivations scope(forget);
    const Autocast low(torch::kCPU, type);
    Tensor y = forgetting(block, {first(x), other});
    y = y + torch::dropout(y, 0.5, /*train=*/true);  // the stream goes on as without
    result.output = y.detach();
    y = y.to(torch::kFloat32).square().sum();
    y.backward();
  }
  result.gradients = {x.grad(), other.grad(), first->weight.grad(), inside->weight.grad()};
  return result;
}

TEST(RecomputeTest, GivesTheSameBitsAndComputesTheBlockTwice) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const Outcome kept = run(false, type);
    const Outcome forgotten = run(true, type);
    EXPECT_EQ(kept.times, 1);
    EXPECT_EQ(forgotten.times, 2);
    EXPECT_EQ(forgotten.output.scalar_type(), kept.output.scalar_type());
    EXPECT_TRUE(torch::equal(forgotten.output, kept.output));
    for (std::size_t i = 0; i < kept.gradients.size(); ++i) {
      EXPECT_TRUE(torch::equal(forgotten.gradients[i], kept.gradients[i])) << i;
    }
  }
}

TEST(RecomputeTest, LeavesTheRandomStreamAsItFindsIt) {
  run(false);
  const Tensor after_kept = torch::randn({3});
  run(true);
  EXPECT_TRUE(torch::equal(torch::randn({3}), after_kept));
}

TEST(RecomputeTest, WithoutGradientsABlockIsComputedOnce) {
  int times = 0;
  const BlockFunction block = [&](const Tensors& in) {
    ++times;
    return in[0] * 2;
  };
  const ForgetActivations scope(true);
  forgetting(block, {torch::ones({2})});
  const torch::NoGradGuard no_grad;
  forgetting(block, {torch::ones({2}).set_requires_grad(true)});
  EXPECT_EQ(times, 2);
}

TEST(AutocastTest, NestsAndPutsBackWhatItFound) {
  const Tensor a = torch::randn({3, 3});
  const auto type_of_product = [&] { return a.mm(a).scalar_type(); };
  {
    const Autocast outer(torch::kCPU, torch::kBFloat16);
    EXPECT_EQ(type_of_product(), torch::kBFloat16);
    {
      const Autocast off(torch::kCPU, torch::kFloat32);
      EXPECT_EQ(type_of_product(), torch::kFloat32);
      EXPECT_EQ(Autocast::current(torch::kCPU), torch::kFloat32);
    }
    EXPECT_EQ(Autocast::current(torch::kCPU), torch::kBFloat16);
  }
  EXPECT_EQ(type_of_product(), torch::kFloat32);
}

}  // namespace
}  // namespace referent::nn
