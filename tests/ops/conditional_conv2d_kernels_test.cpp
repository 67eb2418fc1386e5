// SPDX-License-Identifier: Apache-2.0
#include <ATen/autocast_mode.h>

#include "arguments.h"
#include "referent/ops/conditional_conv2d.h"

namespace referent::ops {
namespace {

using torch::Tensor;

struct Case {
  std::int64_t batch, channels, output, rank, height, width;
  std::int64_t down = 3, up = 1;
  bool biases = true, residual = true;
};

/// x, down_weight, down_bias, core, up_weight, up_bias, residual in float64.
Arguments make_arguments(const Case& c) {
  torch::manual_seed(11);
  const auto values = [](at::IntArrayRef shape) { return torch::randn(shape, torch::kFloat64); };
  return {values({c.batch, c.channels, c.height, c.width}),
          values({c.rank, c.channels, c.down, c.down}),
          c.biases ? values({c.rank}) : Tensor(),
          values({c.batch, c.rank}),
          values({c.output, c.rank, c.up, c.up}),
          c.biases ? values({c.output}) : Tensor(),
          c.residual ? values({c.batch, c.output, c.height, c.width}) : Tensor()};
}

Tensor op(const Arguments& a) {
  return conditional_conv2d(a[0], {a[1], a[2], a[3], a[4], a[5]}, a[6]);
}

/// The same out of plain ATen.
Tensor composition(const Arguments& a) {
  const auto same = [](const Tensor& x, const Tensor& weight, const Tensor& bias) {
    return at::conv2d(x, weight, optional(bias), 1, weight.size(2) / 2);
  };
  const Tensor y = same(same(a[0], a[1], a[2]) * a[3].unsqueeze(-1).unsqueeze(-1), a[4], a[5]);
  return a[6].defined() ? a[6] + y : y;
}

std::vector<Tensor> backward(const Tensor& grad, const Arguments& a, std::array<bool, 6> wanted) {
  using Gradients = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;
  using Signature = Gradients(const Tensor&, const Tensor&, const Tensor&,
                              const std::optional<Tensor>&, const Tensor&, const Tensor&,
                              const std::optional<Tensor>&, const Tensor&, std::array<bool, 6>);
  static const auto handle = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("referent::conditional_conv2d_backward", "")
                                 .typed<Signature>();
  const Tensor bottleneck = at::conv2d(a[0], a[1], optional(a[2]), 1, a[1].size(2) / 2)
                                .contiguous(a[0].suggest_memory_format());
  const auto [x, down, down_bias, core, up, up_bias] =
      handle.call(grad, a[0], a[1], optional(a[2]), a[3], a[4], optional(a[5]), bottleneck, wanted);
  return {x, down, down_bias, core, up, up_bias};
}

constexpr std::array<bool, 6> kAll{true, true, true, true, true, true};

class ConditionalConv2dKernelsTest : public ::testing::TestWithParam<Case> {};

TEST_P(ConditionalConv2dKernelsTest, BackwardIsTheNumericGradientInBothLayouts) {
  const Arguments a = make_arguments(GetParam());
  Arguments last = a;
  last[0] = a[0].contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor upstream = torch::randn_like(op(a));
  const std::vector<Tensor> gradients = backward(upstream, a, kAll);
  const std::vector<Tensor> gradients_last = backward(upstream, last, kAll);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    ASSERT_EQ(gradients[i].defined(), a[i].defined()) << i;
    ASSERT_EQ(gradients_last[i].defined(), a[i].defined()) << i;
    if (!a[i].defined()) continue;
    const Tensor numeric = numeric_gradient([&] { return op(a); }, a[i], upstream);
    EXPECT_EQ(gradients[i].sizes(), a[i].sizes());
    EXPECT_LE(relative_error(gradients[i], numeric), 1e-7) << i;
    EXPECT_LE(relative_error(gradients_last[i], numeric), 1e-7) << i;
  }
}

TEST_P(ConditionalConv2dKernelsTest, Float32IsWithinItsToleranceInBothLayouts) {
  Arguments a = make_arguments(GetParam());
  expect_float32_close(op, composition, a);
  a[0] = a[0].contiguous(at::MemoryFormat::ChannelsLast);
  expect_float32_close(op, composition, a);
}

TEST_P(ConditionalConv2dKernelsTest, RepeatedRunsAreBitEqual) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    expect_repeatable(op, make_arguments(GetParam()), type);
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, ConditionalConv2dKernelsTest,
                         ::testing::Values(Case{2, 5, 5, 3, 4, 6}, Case{1, 1, 1, 1, 1, 1},
                                           Case{2, 5, 4, 3, 4, 6, 3, 1, true, false},
                                           Case{2, 5, 4, 3, 4, 6, 3, 1, false, true},
                                           Case{2, 5, 4, 3, 4, 6, 3, 1, false, false},
                                           Case{2, 5, 4, 3, 4, 6, 1, 3, false, true},
                                           Case{2, 5, 4, 3, 4, 6, 1, 3, true, false}));

TEST(ConditionalConv2dOpTest, LowTypesAreWithinTwiceTheCompositionsError) {
  for (const Case& c :
       {Case{2, 32, 32, 16, 10, 12}, Case{2, 32, 32, 16, 10, 12, 1, 3, false, true}}) {
    Arguments a = make_arguments(c);
    expect_low_close(op, composition, a);
    a[0] = a[0].contiguous(at::MemoryFormat::ChannelsLast);
    expect_low_close(op, composition, a);
  }
}

TEST(ConditionalConv2dOpTest, ComputesOnlyTheGradientsThatAreWanted) {
  const Arguments a = make_arguments({2, 5, 4, 3, 4, 6});
  const Tensor upstream = torch::randn_like(op(a));
  const std::vector<Tensor> all = backward(upstream, a, kAll);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::array<bool, 6> wanted{};
    wanted[i] = true;
    const std::vector<Tensor> some = backward(upstream, a, wanted);
    for (std::size_t j = 0; j < all.size(); ++j) EXPECT_EQ(some[j].defined(), i == j);
    EXPECT_LE(relative_error(some[i], all[i]), 1e-12) << i;
  }
}

TEST(ConditionalConv2dOpTest, TheOutputHasTheLayoutOfTheInput) {
  const Arguments a = leaves_in(make_arguments({2, 5, 4, 3, 4, 6}), torch::kFloat32);
  Arguments last = a;
  last[0] = a[0].detach().contiguous(at::MemoryFormat::ChannelsLast);
  last[6] = Tensor();
  EXPECT_TRUE(op(a).is_contiguous());
  EXPECT_TRUE(op(last).is_contiguous(at::MemoryFormat::ChannelsLast));
  for (Tensor& tensor : last) {
    if (tensor.defined()) tensor = tensor.detach().to(torch::kMeta);
  }
  EXPECT_TRUE(op(last).is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(ConditionalConv2dOpTest, TakesEmptyBatchesAndSlicedMapsInFloat32) {
  const Arguments whole = make_arguments({2, 5, 4, 3, 4, 6});
  Arguments empty = whole;
  for (const std::size_t i : {0, 3, 6}) empty[i] = whole[i].narrow(0, 0, 0);
  expect_float32_close(op, composition, empty);

  Arguments sliced = leaves_in(whole, torch::kFloat32);
  sliced[0] = torch::cat({sliced[0], sliced[0]}, 3).detach().narrow(3, 0, 6);
  sliced[6] = sliced[6].detach().transpose(2, 3).contiguous().transpose(2, 3);
  EXPECT_TRUE(torch::allclose(op(sliced), op(leaves_in(whole, torch::kFloat32)), 1e-5, 1e-5));
}

TEST(ConditionalConv2dOpTest, MetaTensorsTellShapesAndTypes) {
  const Arguments a = make_arguments({2, 5, 4, 3, 4, 6});
  Arguments meta = leaves_in(a, torch::kBFloat16);
  for (Tensor& tensor : meta) tensor = tensor.detach().to(torch::kMeta).set_requires_grad(true);
  const Tensor y = op(meta);
  EXPECT_TRUE(y.is_meta());
  EXPECT_EQ(y.sizes(), op(a).sizes());
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  const auto gradients = torch::autograd::grad({y.sum()}, meta);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(gradients[i].sizes(), a[i].sizes());
}

TEST(ConditionalConv2dOpTest, AutocastLowersAsAConvolution) {
  const Arguments a = leaves_in(make_arguments({2, 5, 4, 3, 4, 6}), torch::kFloat32);
  const at::DeviceType device = testing::test_device().type();
  at::autocast::set_autocast_dtype(device, torch::kBFloat16);
  at::autocast::set_autocast_enabled(device, true);
  const Tensor y = op(a);
  at::autocast::set_autocast_enabled(device, false);
  at::autocast::clear_cache();
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::equal(y, op(leaves_in(a, torch::kBFloat16))));
}

TEST(ConditionalConv2dOpTest, SecondDerivativesAreRefusedByName) {
  const Arguments a = leaves_in(make_arguments({2, 5, 4, 3, 4, 6}), torch::kFloat32);
  const auto first = torch::autograd::grad({op(a).sum()}, {a[0]}, {}, true, /*create_graph=*/true);
  try {
    torch::autograd::grad({first[0].sum()}, {a[1]});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("referent::conditional_conv2d_backward"),
              std::string::npos)
        << error.what();
  }
}

TEST(ConditionalConv2dOpTest, RefusesBiasesAndResidualsThatDoNotFit) {
  const Arguments a = leaves_in(make_arguments({2, 5, 4, 3, 4, 6}), torch::kFloat32);
  for (const std::size_t i : {2, 5, 6}) {
    Arguments wrong = a;
    wrong[i] = a[i].detach().narrow(0, 0, 1);
    EXPECT_THROW(op(wrong), c10::Error) << i;
  }
}

TEST(ConditionalConv2dOpTest, KernelsAreRegistered) {
  expect_kernels("referent::conditional_conv2d");
  expect_kernels("referent::_conditional_conv2d");
  expect_kernels("referent::conditional_conv2d_backward");
}

}  // namespace
}  // namespace referent::ops
