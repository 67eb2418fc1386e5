// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/winograd.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <array>
#include <cmath>
#include <iostream>
#include <limits>
#include <tuple>

#include "kernels.h"

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

TEST_F(WinogradTest, TakesAFilterForOneUse) {
  // Channels that fill a part, that do not, and several parts; the last has too many tiles for it.
  for (const auto& [input, height, width] :
       {std::tuple{256, 5, 8}, {32, 7, 6}, {544, 9, 9}, {32, 150, 150}}) {
    const Tensor x = channels_last(torch::randn({2, input, height, width}));
    const Tensor weight = torch::randn({64, input, 3, 3});
    const Tensor bias = torch::randn({64});
    const Tensor expected = in_float64(x, weight, bias);
    for (const Tensor& laid_out : {weight, channels_last(weight)}) {
      const Tensor y = winograd_convolution_once(x, laid_out, bias, /*relu=*/false);
      EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_LT(relative_error(y, expected), kTolerance) << input << ", " << height;
      EXPECT_TRUE(
          torch::equal(winograd_convolution_once(x, laid_out, bias, /*relu=*/true), y.relu()));
    }
  }
  EXPECT_EQ(winograd_convolution_once(torch::randn({0, 32, 6, 6}), torch::randn({32, 32, 3, 3}), {},
                                      false)
                .sizes(),
            (at::IntArrayRef{0, 32, 6, 6}));
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

TEST_F(WinogradTest, GivesTheGradientOfTheInput) {
  const Tensor x = torch::randn({2, 64, 10, 7}, torch::kFloat64).requires_grad_();
  const Tensor weight = torch::randn({32, 64, 3, 3});
  const Tensor gradient = torch::randn({2, 32, 10, 7});
  in_float64(x, weight).backward(gradient.to(torch::kFloat64));
  for (const Tensor& laid_out : {weight, channels_last(weight)}) {
    const Tensor of_x = winograd_input_gradient(gradient, laid_out);
    EXPECT_TRUE(of_x.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_LT(relative_error(of_x, x.grad()), kTolerance);
  }
}

TEST_F(WinogradTest, GivesTheGradientOfTheWeight) {
  // The last has more tiles than are gathered together.
  for (const auto& [height, width] : {std::pair{4, 4}, {10, 7}, {1, 9}, {50, 61}}) {
    const Tensor x = torch::randn({2, 64, height, width});
    const Tensor weight = torch::randn({32, 64, 3, 3}, torch::kFloat64).requires_grad_();
    const Tensor gradient = torch::randn({2, 32, height, width});
    in_float64(x, weight).backward(gradient.to(torch::kFloat64));
    for (const bool last : {false, true}) {
      Tensor like = torch::empty({32, 64, 3, 3});
      if (last) like = channels_last(like);
      const Tensor of_weight = winograd_weight_gradient(x, gradient, like);
      EXPECT_EQ(of_weight.strides(), like.strides());
      EXPECT_LT(relative_error(of_weight, weight.grad()), kTolerance) << height << "x" << width;
    }
  }
  const Tensor none = torch::randn({0, 64, 8, 8});
  EXPECT_FALSE(
      winograd_weight_gradient(none, torch::randn({0, 32, 8, 8}), torch::empty({32, 64, 3, 3}))
          .any()
          .item<bool>());
}

TEST_F(WinogradTest, IsAsExactAsSaid) {
  const Tensor weight = torch::randn({256, 256, 3, 3});
  const Tensor x = channels_last(torch::randn({1, 256, 20, 20}).relu());
  const Tensor expected = in_float64(x, weight);
  const double forward =
      relative_error(winograd_convolution(x, winograd_pack(weight), {}, false), expected);
  const double backward =
      relative_error(winograd_input_gradient(x, weight.transpose(0, 1).flip({2, 3})), expected);
  const double plain = relative_error(torch::conv2d(x, weight, {}, 1, 1), expected);
  std::cout << "relative error of tiles of 2x4 " << forward << ", of 4x4 " << backward
            << ", of a plain sum " << plain << "\n";
  EXPECT_LT(forward, 1e-6);
  EXPECT_LT(backward, 2e-6);
}

TEST_F(WinogradTest, DoesNotDependOnTheNumberOfThreads) {
  const Tensor x = channels_last(torch::randn({1, 32, 17, 18}));
  const Tensor weight = torch::randn({128, 32, 3, 3});
  const Tensor gradient = torch::randn({1, 128, 17, 18});
  const Tensor deep = channels_last(torch::randn({1, 800, 9, 10}));
  const Tensor deep_weight = torch::randn({64, 800, 3, 3});
  const auto outputs = [&] {
    return std::array{winograd_convolution(x, winograd_pack(weight), {}, false),
                      winograd_convolution_once(deep, deep_weight, {}, false),
                      winograd_weight_gradient(x, gradient, weight)};
  };
  const int threads = torch::get_num_threads();
  torch::set_num_threads(1);
  const auto alone = outputs();
  for (const int count : {2, 3, 5}) {
    torch::set_num_threads(count);
    const auto together = outputs();
    for (std::size_t i = 0; i < alone.size(); ++i) {
      EXPECT_TRUE(torch::equal(together[i], alone[i])) << i << ", threads " << count;
    }
  }
  torch::set_num_threads(threads);
}

TEST_F(WinogradTest, KeepsWhatIsNotANumber) {
  const Tensor x = channels_last(torch::randn({1, 32, 8, 8}));
  x[0][3][2][2] = std::numeric_limits<float>::quiet_NaN();
  const Tensor y = winograd_convolution(x, winograd_pack(torch::randn({32, 32, 3, 3})), {}, true);
  EXPECT_TRUE(std::isnan(y[0][0][2][2].item<float>()));
}

TEST_F(WinogradTest, EveryWidthOfVectorsAndHeightOfTilesGivesTheSame) {
  constexpr std::int64_t kInput = 32, kOutput = 64, kHeight = 6, kWidth = 9;
  const Tensor x = channels_last(torch::randn({2, kInput, kHeight, kWidth}));
  const Tensor weight = torch::randn({kOutput, kInput, 3, 3});
  const Tensor gradient = channels_last(torch::randn({2, kOutput, kHeight, kWidth}));
  const Tensor expected = in_float64(x, weight);
  const Tensor of_weight = winograd_weight_gradient(x, gradient, weight);
  const winograd::FilterStrides strides{kInput * 9, 9, 3, 1};
  const auto to = [](const Tensor& t) { return t.mutable_data_ptr<float>(); };
  for (const winograd::Kernels& kernels : winograd::kernels()) {
    const std::int64_t panels = kOutput / kernels.panel_width;
    for (const std::int64_t tile_height : {2, 4}) {
      const winograd::Geometry geometry{tile_height, 2, kHeight, kWidth, kInput, kOutput};
      const std::int64_t tiles = geometry.tiles();
      const Tensor packed = torch::empty({geometry.points() * kInput * kOutput});
      const Tensor scratch = torch::empty({kernels.scratch_size(geometry, tiles)});
      const Tensor y = torch::empty_like(channels_last(expected.to(torch::kFloat32)));
      kernels.pack(geometry, to(weight), strides, 0, panels, to(packed));
      kernels.convolve(geometry, {0, tiles, 0, panels}, to(x), to(packed), {}, to(scratch), to(y));
      EXPECT_LT(relative_error(y, expected), kTolerance)
          << kernels.panel_width << " " << tile_height;
    }
    const winograd::Geometry of_outputs{2, 2, kHeight, kWidth, kInput, kOutput};
    const std::int64_t part_stride =
        panels * of_outputs.points() *
        winograd::Kernels::stride(of_outputs.tiles(), kernels.panel_width);
    const Tensor filter = torch::empty({of_outputs.points() * kInput * kOutput});
    const Tensor part_scratch =
        torch::empty({kernels.scratch_size(of_outputs, of_outputs.tiles())});
    const Tensor parts = torch::empty({2, part_stride});
    const Tensor y = torch::zeros_like(channels_last(expected.to(torch::kFloat32)));
    kernels.pack(of_outputs, to(weight), strides, 0, panels, to(filter));
    for (const std::int64_t part : {0, 1}) {
      kernels.accumulate(of_outputs, kInput, to(x), to(filter), /*onto=*/false, to(part_scratch),
                         to(parts[part]));
    }
    for (std::int64_t panel = 0; panel < panels; ++panel) {
      kernels.finish(of_outputs, panel, to(parts), 2, part_stride, {}, to(y));
    }
    EXPECT_LT(relative_error(y, 2 * expected), kTolerance) << kernels.panel_width;

    const winograd::Geometry geometry{4, 2, kHeight, kWidth, kInput, kOutput};
    const std::int64_t tiles = geometry.tiles();
    const auto points = [&](std::int64_t channels) {
      return torch::empty({geometry.points() * winograd::Kernels::stride(tiles, channels)});
    };
    const Tensor inputs = points(kInput);
    const Tensor outputs = torch::cat(std::vector<Tensor>(panels, points(kernels.panel_width)));
    const Tensor sums = torch::empty({4 * weight.numel()});
    const Tensor other = torch::empty_like(weight);
    kernels.gather(geometry, 0, tiles, 0, tiles, to(x), to(gradient), to(inputs), to(outputs));
    kernels.correlate(geometry, tiles, 0, geometry.points(), to(inputs), to(outputs),
                      /*onto=*/false, to(sums));
    kernels.unpack(geometry, to(sums), 0, panels, strides, to(other));
    EXPECT_LT(relative_error(other, of_weight), kTolerance) << kernels.panel_width;
  }
}

TEST(WinogradTakesTest, ConvolutionsThatItIsMadeFor) {
  if (winograd::kernels().empty()) GTEST_SKIP() << "this processor has no AVX2";
  const Tensor weight = torch::zeros({64, 32, 3, 3});
  EXPECT_TRUE(winograd_takes(weight, 20, 20, {1, 1}, {1, 1}, {1, 1}));
  EXPECT_FALSE(winograd_takes(weight, 20, 20, {2, 2}, {1, 1}, {1, 1}));
  EXPECT_FALSE(winograd_takes(weight, 20, 20, {1, 1}, {0, 1}, {1, 1}));
  EXPECT_FALSE(winograd_takes(weight, 20, 20, {1, 1}, {2, 2}, {2, 2}));
  EXPECT_FALSE(winograd_takes(weight, 1, 1, {1, 1}, {1, 1}, {1, 1})) << "a tile for one output";
  EXPECT_FALSE(winograd_takes(torch::zeros({64, 32, 1, 1}), 20, 20, {1, 1}, {1, 1}, {1, 1}));
  EXPECT_FALSE(winograd_takes(torch::zeros({48, 32, 3, 3}), 20, 20, {1, 1}, {1, 1}, {1, 1}));
  EXPECT_FALSE(winograd_takes(weight.to(torch::kFloat64), 20, 20, {1, 1}, {1, 1}, {1, 1}));
}

}  // namespace
}  // namespace referent::ops
