// SPDX-License-Identifier: Apache-2.0
#include "referent/training/running_statistics.h"

#include <gtest/gtest.h>

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <limits>

namespace referent::training {
namespace {

using torch::Tensor;

std::vector<Tensor> copies(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> copies;
  for (const Tensor& tensor : tensors) copies.push_back(tensor.clone());
  return copies;
}

bool equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Tensor& x, const Tensor& y) { return torch::equal(x, y); });
}

TEST(RunningStatisticsTest, AreAsKeptAfterAStepThatDoesNotCount) {
  torch::nn::Sequential model(torch::nn::Conv2d(3, 4, 1), torch::nn::BatchNorm2d(4));
  RunningStatistics statistics(*model);
  model->forward(torch::randn({2, 3, 5, 5}));
  statistics.keep();
  const std::vector<Tensor> before = copies(model->buffers());
  ASSERT_EQ(before.size(), 3U);  // mean, variance, number of batches

  model->forward(torch::full({2, 3, 5, 5}, std::numeric_limits<float>::quiet_NaN()));
  EXPECT_FALSE(equal(model->buffers(), before));
  statistics.restore();
  EXPECT_TRUE(equal(model->buffers(), before));

  model->forward(torch::randn({2, 3, 5, 5}));
  EXPECT_FALSE(equal(model->buffers(), before));
}

TEST(RunningStatisticsTest, OtherBuffersAreLeftAlone) {
  torch::nn::Sequential model(torch::nn::Linear(2, 2));
  const Tensor buffer = model->register_buffer("positions", torch::zeros({2}));
  RunningStatistics statistics(*model);
  statistics.keep();
  buffer.fill_(1);
  statistics.restore();
  EXPECT_TRUE(torch::equal(buffer, torch::ones({2})));
}

}  // namespace
}  // namespace referent::training
