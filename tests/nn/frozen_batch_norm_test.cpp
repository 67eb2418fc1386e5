// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/frozen_batch_norm.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <limits>

#include "referent/nn/autocast.h"
#include "support/test_device.h"

namespace referent::nn {
namespace {

using testing::test_device;
using torch::Tensor;

FrozenBatchNorm2d random_norm(std::int64_t channels) {
  FrozenBatchNorm2d norm(channels);
  const torch::NoGradGuard no_grad;
  auto buffers = norm->named_buffers();
  buffers["weight"].uniform_(0.5, 2);
  buffers["bias"].uniform_(-1, 1);
  buffers["running_mean"].uniform_(-1, 1);
  buffers["running_var"].uniform_(0.5, 2);
  return norm;
}

TEST(FrozenBatchNormTest, NormalisesByItsBuffersAlsoInTraining) {
  FrozenBatchNorm2d norm = random_norm(3);
  norm->train();
  auto buffers = norm->named_buffers();
  const Tensor x = torch::randn({2, 3, 4, 5});
  const auto channel = [&](const char* name) { return buffers[name].view({1, 3, 1, 1}); };
  const Tensor expected =
      (x - channel("running_mean")) / (channel("running_var") + 1e-5).sqrt() * channel("weight") +
      channel("bias");
  const Tensor mean_before = buffers["running_mean"].clone();
  EXPECT_TRUE(torch::allclose(norm->forward(x), expected, 1e-5, 1e-6));
  EXPECT_TRUE(torch::equal(buffers["running_mean"], mean_before));
  EXPECT_TRUE(norm->parameters().empty());
}

/// Of a convolution.
struct Shape {
  std::int64_t input, output, kernel, stride;
};

/// A convolution with its norm, an input and what is added; both memory formats, odd sizes.
struct FusedCase {
  FusedCase(torch::ScalarType type, torch::MemoryFormat format, const Shape& shape)
      : layer(torch::nn::Conv2dOptions(shape.input, shape.output, shape.kernel)
                  .stride(shape.stride)
                  .padding(shape.kernel / 2)
                  .bias(false)),
        norm(random_norm(shape.output)) {
    layer->to(test_device(), type);
    norm->to(test_device(), type);
    const torch::TensorOptions options = torch::TensorOptions(type).device(test_device());
    const auto leaf = [&](at::IntArrayRef sizes) {
      return torch::randn(sizes, options).contiguous(format).set_requires_grad(true);
    };
    const std::int64_t height = (11 - 1) / shape.stride + 1;
    const std::int64_t width = (9 - 1) / shape.stride + 1;
    x = leaf({2, shape.input, 11, 9});
    sum = leaf({2, shape.output, height, width});
  }

  Tensor fused(bool with_sum) {
    return norm->relu_of_convolution(*layer, x, norm->shift(), with_sum ? sum : Tensor());
  }
  Tensor one_after_the_other(bool with_sum) {
    const Tensor y = norm->forward(layer->forward(x));
    return torch::relu(with_sum ? y + sum : y);
  }
  std::vector<Tensor> gradients(const Tensor& y, bool with_sum) {
    std::vector<Tensor> inputs{x, layer->weight};
    if (with_sum) inputs.push_back(sum);
    return torch::autograd::grad({y.square().sum()}, inputs);
  }

  torch::nn::Conv2d layer;
  FrozenBatchNorm2d norm;
  Tensor x, sum;
};

void expect_same(torch::ScalarType type, double tolerance) {
  torch::manual_seed(3);
  for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
    // The last is one of those that Winograd's algorithm takes.
    for (const Shape& shape : {Shape{8, 24, 3, 1}, Shape{8, 24, 3, 2}, Shape{16, 24, 1, 1},
                               Shape{16, 24, 1, 2}, Shape{32, 64, 3, 1}}) {
      for (const bool with_sum : {false, true}) {
        FusedCase c(type, format, shape);
        const Tensor y = c.fused(with_sum);
        const Tensor expected = c.one_after_the_other(with_sum);
        EXPECT_LT((y - expected).abs().max().item<double>(), tolerance) << type;
        const auto ours = c.gradients(y, with_sum);
        const auto theirs = c.gradients(expected, with_sum);
        for (std::size_t i = 0; i < ours.size(); ++i) {
          const double scale = theirs[i].abs().max().item<double>();
          EXPECT_LT((ours[i] - theirs[i]).abs().max().item<double>(), tolerance * scale)
              << type << ", gradient " << i;
        }
        EXPECT_EQ(ours[1].sizes(), c.layer->weight.sizes());
      }
    }
  }
}

TEST(FrozenBatchNormTest, FusedWithConvolutionSumAndReluItIsTheSame) {
  expect_same(torch::kFloat64, 1e-12);
  expect_same(torch::kFloat32, 1e-5);
}

TEST(FrozenBatchNormTest, WhatIsNotANumberStays) {
  const torch::NoGradGuard no_grad;
  for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
    for (const Shape& shape :
         {Shape{8, 24, 3, 1}, Shape{8, 24, 3, 2}, Shape{16, 24, 1, 1}, Shape{32, 64, 3, 1}}) {
      for (const bool with_sum : {false, true}) {
        FusedCase c(torch::kFloat32, format, shape);
        c.x[1][3][4][4] = std::numeric_limits<float>::quiet_NaN();
        const Tensor expected = c.one_after_the_other(with_sum).isnan();
        EXPECT_TRUE(expected.any().item<bool>());
        // Winograd's tiles lose more than the pixels that a plain sum loses.
        const Tensor found = c.fused(with_sum).isnan();
        EXPECT_TRUE(found.logical_or(expected.logical_not()).all().item<bool>());
      }
    }
  }
}

#ifdef REFERENT_TEST_ON_GPU
TEST(FrozenBatchNormTest, FusesInAutocastsType) {
  torch::manual_seed(4);
  FusedCase c(torch::kFloat32, torch::MemoryFormat::ChannelsLast, {8, 24, 3, 1});
  const Tensor expected = c.one_after_the_other(true);
  for (const torch::ScalarType type : {torch::kBFloat16, torch::kHalf}) {
    const Autocast lower(torch::kCUDA, type);
    const Tensor y = c.fused(true);
    EXPECT_EQ(y.scalar_type(), type);
    EXPECT_LT((y - expected).abs().max().item<double>(), 0.1);
    const auto gradients = c.gradients(y.to(torch::kFloat32), true);
    EXPECT_EQ(gradients[1].scalar_type(), torch::kFloat32);
  }
}
#endif

}  // namespace
}  // namespace referent::nn
