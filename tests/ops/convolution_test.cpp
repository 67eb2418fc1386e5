// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/convolution.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <string>

namespace referent::ops {
namespace {

using torch::Tensor;

struct Case {
  std::string name;
  std::int64_t input, output, kernel, height, width;
  ConvolutionGeometry geometry;
};

/// Every way that gradients take, and what lies just beside it.
std::vector<Case> cases() {
  return {
      {"pointwise", 12, 20, 1, 7, 5, {}},
      {"pointwise_with_a_border", 12, 20, 1, 7, 5, {.padding = {1, 1}}},
      {"pointwise_that_strides", 5, 20, 1, 65, 64, {.stride = {2, 2}}},
      {"by_winograd", 32, 64, 3, 8, 12, {.padding = {1, 1}}},
      {"plain", 12, 20, 3, 8, 12, {.padding = {1, 1}}},
      {"strided", 12, 20, 3, 13, 12, {.stride = {2, 2}, .padding = {1, 1}}},
      {"strided_of_few_pixels", 32, 40, 3, 6, 9, {.stride = {2, 2}, .padding = {1, 1}}},
      {"dilated_of_few_pixels", 32, 40, 3, 5, 6, {.padding = {2, 2}, .dilation = {2, 2}}},
      {"rows_unlike_columns",
       32,
       40,
       3,
       7,
       9,
       {.stride = {1, 3}, .padding = {2, 0}, .dilation = {2, 1}}},
  };
}

class ConvolutionGradientsTest : public ::testing::TestWithParam<Case> {
 protected:
  struct Problem {
    Tensor x, weight, gradient;
  };

  static Tensor convolution(const Tensor& x, const Tensor& weight) {
    const ConvolutionGeometry& how = GetParam().geometry;
    return torch::conv2d(x, weight, {}, how.stride, how.padding, how.dilation);
  }

  static Problem problem(std::int64_t batch, torch::MemoryFormat format) {
    torch::manual_seed(1);
    const Case& c = GetParam();
    const Tensor x = torch::randn({batch, c.input, c.height, c.width}).contiguous(format);
    const Tensor weight = torch::randn({c.output, c.input, c.kernel, c.kernel}).contiguous(format);
    return {x, weight, torch::randn_like(convolution(x, weight))};
  }

  /// Of x and of the weight in float64.
  static std::vector<Tensor> exact(const Problem& p) {
    const auto leaf = [](const Tensor& t) {
      return t.to(torch::kFloat64).detach().set_requires_grad(true);
    };
    const std::vector<Tensor> leaves{leaf(p.x), leaf(p.weight)};
    return torch::autograd::grad({convolution(leaves[0], leaves[1])}, leaves,
                                 {p.gradient.to(torch::kFloat64)});
  }
};

void expect_near(const Tensor& found, const Tensor& expected) {
  ASSERT_EQ(found.sizes(), expected.sizes());
  const double error = (found.to(torch::kFloat64) - expected).norm().item<double>();
  EXPECT_LT(error, 4e-6 * expected.norm().item<double>());
}

TEST_P(ConvolutionGradientsTest, AreThoseOfFloat64) {
  for (const auto format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
    for (const std::int64_t batch : {1, 3}) {
      const Problem p = problem(batch, format);
      const std::vector<Tensor> expected = exact(p);
      const auto [of_x, of_weight] =
          convolution_gradients(p.gradient, p.x, p.weight, GetParam().geometry, true, true);
      expect_near(of_x, expected[0]);
      expect_near(of_weight, expected[1]);
    }
  }
}

TEST_P(ConvolutionGradientsTest, OnlyWhatIsWantedIsComputed) {
  const Problem p = problem(2, torch::MemoryFormat::ChannelsLast);
  const std::vector<Tensor> expected = exact(p);
  const auto gradients = [&](bool to_x, bool to_weight) {
    return convolution_gradients(p.gradient, p.x, p.weight, GetParam().geometry, to_x, to_weight);
  };
  const ConvolutionGradients of_x = gradients(true, false);
  expect_near(of_x.x, expected[0]);
  EXPECT_FALSE(of_x.weight.defined());
  const ConvolutionGradients of_weight = gradients(false, true);
  EXPECT_FALSE(of_weight.x.defined());
  expect_near(of_weight.weight, expected[1]);
  const ConvolutionGradients none = gradients(false, false);
  EXPECT_FALSE(none.x.defined() || none.weight.defined());
}

TEST_P(ConvolutionGradientsTest, OfNoPictureAreZero) {
  const Problem p = problem(0, torch::MemoryFormat::ChannelsLast);
  const auto [of_x, of_weight] =
      convolution_gradients(p.gradient, p.x, p.weight, GetParam().geometry, true, true);
  EXPECT_EQ(of_x.sizes(), p.x.sizes());
  EXPECT_TRUE(torch::equal(of_weight, torch::zeros_like(p.weight)));
}

INSTANTIATE_TEST_SUITE_P(Cases, ConvolutionGradientsTest, ::testing::ValuesIn(cases()),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace referent::ops
