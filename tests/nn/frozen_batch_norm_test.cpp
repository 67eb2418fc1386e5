// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/frozen_batch_norm.h"

#include <gtest/gtest.h>

namespace referent::nn {
namespace {

TEST(FrozenBatchNormTest, NormalisesByItsBuffersAlsoInTraining) {
  FrozenBatchNorm2d norm(3);
  norm->train();
  const torch::NoGradGuard no_grad;
  auto buffers = norm->named_buffers();
  buffers["weight"].uniform_(0.5, 2);
  buffers["bias"].uniform_(-1, 1);
  buffers["running_mean"].uniform_(-1, 1);
  buffers["running_var"].uniform_(0.5, 2);
  const torch::Tensor x = torch::randn({2, 3, 4, 5});
  const auto channel = [&](const char* name) { return buffers[name].view({1, 3, 1, 1}); };
  const torch::Tensor expected =
      (x - channel("running_mean")) / (channel("running_var") + 1e-5).sqrt() * channel("weight") +
      channel("bias");
  const torch::Tensor mean_before = buffers["running_mean"].clone();
  EXPECT_TRUE(torch::allclose(norm->forward(x), expected, 1e-5, 1e-6));
  EXPECT_TRUE(torch::equal(buffers["running_mean"], mean_before));
  EXPECT_TRUE(norm->parameters().empty());
}

}  // namespace
}  // namespace referent::nn
