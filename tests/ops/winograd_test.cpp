// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/winograd.h"

#include <gtest/gtest.h>
#include <torch/nn.h>

#include <cmath>
#include <iostream>
#include <limits>

#include "tiles.h"

namespace referent::ops {
namespace {

using torch::Tensor;

Tensor channels_last(const Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

/// The root of the mean square of the difference, relative to that of `expected`.
double relative_error(const Tensor& actual, const Tensor& expected) {
  const Tensor exact = expected.to(torch::kFloat64);
  const Tensor difference = actual.to(torch::kFloat64) - exact;
  return (difference.norm() / exact.norm()).item<double>();
}

Tensor in_float64(const Tensor& x, const Tensor& weight, const Tensor& bias = {}) {
  const auto exact = [](const Tensor& t) { return t.defined() ? t.to(torch::kFloat64) : t; };
  return torch::conv2d(exact(x), exact(weight), exact(bias), 1, 1);
}

class WinogradTest : public testing::Test {
 protected:
  void SetUp() override {
    if (winograd::kernels().empty()) GTEST_SKIP() << "this processor has no AVX2";
    torch::manual_seed(1);
  }
};

constexpr double kTolerance = 4e-6;

TEST_F(WinogradTest, EqualsThePlainSumOnMapsOfAnySize) {
  for (const auto& [height, width] : {std::pair{1, 1}, {2, 3}, {4, 4}, {5, 8}, {7, 6}, {13, 21}}) {
    for (const std::int64_t batch : {1, 3}) {
      const Tensor x = channels_last(torch::randn({batch, 32, height, width}));
      const Tensor weight = torch::randn({64, 32, 3, 3});
      const Tensor bias = torch::randn({64});
      const Tensor expected = in_float64(x, weight, bias);
      const Tensor packed = winograd_pack(weight);
      const Tensor y = winograd_convolution(x, packed, bias, /*relu=*/false);
      EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_LT(relative_error(y, expected), kTolerance) << height << "x" << width;
      EXPECT_TRUE(torch::equal(winograd_convolution(x, packed, bias, /*relu=*/true), y.relu()));
    }
  }
}

TEST_F(WinogradTest, AddsASumBeforeTheActivation) {
  const Tensor x = channels_last(torch::randn({2, 64, 9, 10}));
  const Tensor weight = channels_last(torch::randn({32, 64, 3, 3}));
  const Tensor packed = winograd_pack(weight);
  const Tensor sum = channels_last(torch::randn({2, 32, 9, 10}));
  const Tensor expected = (in_float64(x, weight) + sum).relu();
  winograd_convolution_onto(sum, x, packed, /*bias=*/{}, /*relu=*/true);
  EXPECT_LT(relative_error(sum, expected), kTolerance);
}

TEST_F(WinogradTest, TakesAnyLayoutAndEmptyBatches) {
  const Tensor weight = torch::randn({32, 32, 3, 3});
  const Tensor packed = winograd_pack(weight);
  EXPECT_TRUE(torch::equal(winograd_pack(channels_last(weight)), packed));
  const Tensor x = torch::randn({2, 32, 6, 6});
  EXPECT_TRUE(torch::equal(winograd_convolution(x, packed, {}, false),
                           winograd_convolution(channels_last(x), packed, {}, false)));
  EXPECT_EQ(winograd_convolution(x.narrow(0, 0, 0), packed, {}, false).sizes(),
            (at::IntArrayRef{0, 32, 6, 6}));
}

TEST_F(WinogradTest, TheTransposedFilterGivesTheGradientOfTheInput) {
  const Tensor x = torch::randn({2, 64, 10, 7}, torch::kFloat64).requires_grad_();
  const Tensor weight = torch::randn({32, 64, 3, 3});
  const Tensor gradient = channels_last(torch::randn({2, 32, 10, 7}));
  in_float64(x, weight).backward(gradient.to(torch::kFloat64));
  for (const Tensor& laid_out : {weight, channels_last(weight)}) {
    const Tensor of_x = winograd_convolution(gradient, winograd_pack_transposed(laid_out),
                                             /*bias=*/{}, /*relu=*/false);
    EXPECT_LT(relative_error(of_x, x.grad()), kTolerance);
  }
}

TEST_F(WinogradTest, IsAsExactAsSaid) {
  const Tensor x = channels_last(torch::randn({1, 256, 20, 20}).relu());
  const Tensor weight = torch::randn({64, 256, 3, 3});
  const Tensor expected = in_float64(x, weight);
  const double ours =
      relative_error(winograd_convolution(x, winograd_pack(weight), {}, false), expected);
  const double plain = relative_error(torch::conv2d(x, weight, {}, 1, 1), expected);
  std::cout << "relative error " << ours << ", of a plain sum " << plain << "\n";
  EXPECT_LT(ours, 2e-6);
}

TEST_F(WinogradTest, DoesNotDependOnTheNumberOfThreads) {
  const Tensor x = channels_last(torch::randn({1, 32, 17, 18}));
  const Tensor packed = winograd_pack(torch::randn({128, 32, 3, 3}));
  const int threads = torch::get_num_threads();
  torch::set_num_threads(1);
  const Tensor one = winograd_convolution(x, packed, {}, false);
  for (const int count : {2, 3, 5}) {
    torch::set_num_threads(count);
    EXPECT_TRUE(torch::equal(winograd_convolution(x, packed, {}, false), one)) << count;
  }
  torch::set_num_threads(threads);
}

TEST_F(WinogradTest, KeepsWhatIsNotANumber) {
  const Tensor x = channels_last(torch::randn({1, 32, 8, 8}));
  x[0][3][2][2] = std::numeric_limits<float>::quiet_NaN();
  const Tensor y = winograd_convolution(x, winograd_pack(torch::randn({32, 32, 3, 3})), {}, true);
  EXPECT_TRUE(std::isnan(y[0][0][2][2].item<float>()));
}

TEST_F(WinogradTest, EveryWidthOfVectorsGivesTheSame) {
  constexpr std::int64_t kInput = 32, kOutput = 64, kHeight = 6, kWidth = 9;
  const Tensor x = channels_last(torch::randn({2, kInput, kHeight, kWidth}));
  const Tensor weight = torch::randn({kOutput, kInput, 3, 3});
  const Tensor expected = in_float64(x, weight);
  const winograd::Geometry geometry{2, kHeight, kWidth, kInput, kOutput};
  for (const winograd::Kernels& kernels : winograd::kernels()) {
    const std::int64_t panels = kOutput / kernels.panel_width;
    const Tensor packed = torch::empty({4 * weight.numel()});
    const Tensor scratch = torch::empty({kernels.scratch_size(geometry, geometry.tiles())});
    const Tensor y = torch::empty_like(channels_last(expected.to(torch::kFloat32)));
    kernels.pack(geometry, {weight.const_data_ptr<float>(), kInput * 9, 9, 3, 1}, 0, panels,
                 packed.mutable_data_ptr<float>());
    kernels.convolve(geometry, {0, geometry.tiles(), 0, panels}, x.const_data_ptr<float>(),
                     packed.const_data_ptr<float>(), {}, scratch.mutable_data_ptr<float>(),
                     y.mutable_data_ptr<float>());
    EXPECT_LT(relative_error(y, expected), kTolerance) << kernels.panel_width;
  }
}

TEST(WinogradTakesTest, ConvolutionsThatItIsMadeFor) {
  if (winograd::kernels().empty()) GTEST_SKIP() << "this processor has no AVX2";
  const Tensor weight = torch::zeros({64, 32, 3, 3});
  EXPECT_TRUE(winograd_takes(weight, 20, 20, 1, 1, 1));
  EXPECT_FALSE(winograd_takes(weight, 20, 20, 2, 1, 1));
  EXPECT_FALSE(winograd_takes(weight, 20, 20, 1, 0, 1));
  EXPECT_FALSE(winograd_takes(weight, 20, 20, 1, 2, 2));
  EXPECT_FALSE(winograd_takes(weight, 1, 1, 1, 1, 1)) << "a tile for one output";
  EXPECT_FALSE(winograd_takes(torch::zeros({64, 32, 1, 1}), 20, 20, 1, 1, 1));
  EXPECT_FALSE(winograd_takes(torch::zeros({48, 32, 3, 3}), 20, 20, 1, 1, 1));
  EXPECT_FALSE(winograd_takes(weight.to(torch::kFloat64), 20, 20, 1, 1, 1));
}

}  // namespace
}  // namespace referent::ops
