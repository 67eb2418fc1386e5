// SPDX-License-Identifier: Apache-2.0
#include "layers.h"

#include <gtest/gtest.h>

namespace referent::inference {
namespace {

using torch::Tensor;

struct Shape {
  std::int64_t input, output, kernel, side, stride;
};

/// One by each method of a CPU: packed by oneDNN (two), packed for Winograd's algorithm, packed for
/// it at each use because it is large, and too large for it.
constexpr Shape kShapes[] = {{32, 64, 1, 8, 1},
                             {32, 64, 3, 8, 2},
                             {32, 64, 3, 8, 1},
                             {2048, 64, 3, 8, 1},
                             {512, 512, 3, 4, 1}};

TEST(FrozenConvolutionTest, EqualsThePlainOneAlsoOntoASum) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  for (const Shape& shape : kShapes) {
    const Tensor weight = torch::randn({shape.output, shape.input, shape.kernel, shape.kernel});
    const Tensor bias = torch::randn({shape.output});
    const Tensor x = torch::randn({2, shape.input, shape.side, shape.side})
                         .contiguous(torch::MemoryFormat::ChannelsLast);
    const auto exact = [](const Tensor& t) { return t.to(torch::kFloat64); };
    const Tensor plain =
        torch::conv2d(exact(x), exact(weight), exact(bias), shape.stride, shape.kernel / 2);
    const Tensor sum = torch::randn(plain.sizes()).contiguous(torch::MemoryFormat::ChannelsLast);
    const auto expect_near = [&](const Tensor& found, const Tensor& expected) {
      const double error = (exact(found) - expected).norm().item<double>();
      EXPECT_LT(error, 4e-6 * expected.norm().item<double>())
          << shape.input << " to " << shape.output << ", " << shape.kernel << "x" << shape.kernel;
    };
    for (const bool relu : {false, true}) {
      const auto activated = [&](const Tensor& t) { return relu ? t.relu() : t; };
      const FrozenConvolution frozen(
          weight, bias,
          {.side = shape.side, .stride = shape.stride, .padding = shape.kernel / 2, .relu = relu},
          {});
      expect_near(frozen(x), activated(plain));
      expect_near(frozen.onto(sum.clone(torch::MemoryFormat::ChannelsLast), x),
                  activated(plain + exact(sum)));
    }
  }
}

}  // namespace
}  // namespace referent::inference
