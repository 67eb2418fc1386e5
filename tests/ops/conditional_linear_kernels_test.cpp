// SPDX-License-Identifier: Apache-2.0
#include <ATen/autocast_mode.h>

#include "arguments.h"
#include "referent/ops/conditional_linear.h"

namespace referent::ops {
namespace {

using torch::Tensor;

enum class Bias { kNone, kVector, kOfTokens, kOfSamples, kFull };

struct Case {
  std::int64_t batch, tokens, input, output, rank;
  bool dense = false;
  std::int64_t low_rank_input = 0;  ///< 0: z = x
  Bias bias = Bias::kVector;
};

std::vector<std::int64_t> bias_shape(const Case& c) {
  switch (c.bias) {
    case Bias::kOfTokens:
      return {c.tokens, c.output};
    case Bias::kOfSamples:
      return {c.batch, 1, c.output};
    case Bias::kFull:
      return {c.batch, c.tokens, c.output};
    default:
      return {c.output};
  }
}

/// x, weight, bias, q, p, core, low_rank_input in float64.
Arguments make_arguments(const Case& c) {
  torch::manual_seed(7);
  const auto values = [](at::IntArrayRef shape) { return torch::randn(shape, torch::kFloat64); };
  const std::int64_t z = c.low_rank_input > 0 ? c.low_rank_input : c.input;
  return {values({c.batch, c.tokens, c.input}),
          values({c.output, c.input}),
          c.bias == Bias::kNone ? Tensor() : values(bias_shape(c)),
          values({z, c.rank}),
          values({c.output, c.rank}),
          c.dense ? values({c.batch, c.rank, c.rank}) : values({c.batch, c.rank}),
          c.low_rank_input > 0 ? values({c.batch, c.tokens, z}) : Tensor()};
}

Tensor op(const Arguments& a) {
  return conditional_linear(a[0], a[1], a[2], {a[3], a[4], a[5], a[6]});
}

/// The same out of plain ATen.
Tensor composition(const Arguments& a) {
  const Tensor bottleneck = at::matmul(a[6].defined() ? a[6] : a[0], a[3]);
  const Tensor scaled = a[5].dim() == 2 ? bottleneck * a[5].unsqueeze(1) : bottleneck.bmm(a[5]);
  const Tensor y = at::linear(a[0], a[1]) + at::matmul(scaled, a[4].t());
  return a[2].defined() ? y + a[2] : y;
}

std::vector<Tensor> backward(const Tensor& grad, const Arguments& a, std::array<bool, 7> wanted) {
  using Gradients = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;
  using Signature = Gradients(const Tensor&, const Tensor&, const Tensor&,
                              const std::optional<Tensor>&, const Tensor&, const Tensor&,
                              const Tensor&, const std::optional<Tensor>&, std::array<bool, 7>);
  static const auto handle = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("referent::conditional_linear_backward", "")
                                 .typed<Signature>();
  const auto [x, weight, bias, q, p, core, z] =
      handle.call(grad, a[0], a[1], optional(a[2]), a[3], a[4], a[5], optional(a[6]), wanted);
  return {x, weight, bias, q, p, core, z};
}

constexpr std::array<bool, 7> kAll{true, true, true, true, true, true, true};

class ConditionalLinearKernelsTest : public ::testing::TestWithParam<Case> {};

TEST_P(ConditionalLinearKernelsTest, BackwardIsTheNumericGradient) {
  const Arguments a = make_arguments(GetParam());
  const Tensor upstream = torch::randn_like(op(a));
  const std::vector<Tensor> gradients = backward(upstream, a, kAll);
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(gradients[i].defined(), a[i].defined()) << i;
    if (!a[i].defined()) continue;
    const Tensor numeric = numeric_gradient([&] { return op(a); }, a[i], upstream);
    EXPECT_EQ(gradients[i].sizes(), a[i].sizes());
    EXPECT_LE(relative_error(gradients[i], numeric), 1e-7) << i;
  }
}

TEST_P(ConditionalLinearKernelsTest, Float32IsWithinItsTolerance) {
  expect_float32_close(op, composition, make_arguments(GetParam()));
}

TEST_P(ConditionalLinearKernelsTest, RepeatedRunsAreBitEqual) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    expect_repeatable(op, make_arguments(GetParam()), type);
  }
}

// Many tokens to a small weight: W_b is formed; few, or a low-rank input: the factors are applied.
INSTANTIATE_TEST_SUITE_P(Forms, ConditionalLinearKernelsTest,
                         ::testing::Values(Case{2, 5, 7, 6, 3}, Case{2, 5, 7, 6, 3, true},
                                           Case{2, 40, 7, 6, 3}, Case{2, 40, 7, 6, 3, true},
                                           Case{1, 1, 1, 1, 1}, Case{3, 4, 7, 6, 3, false, 5},
                                           Case{3, 40, 7, 6, 3, true, 5},
                                           Case{2, 5, 7, 6, 3, false, 0, Bias::kNone},
                                           Case{2, 40, 7, 6, 3, false, 0, Bias::kNone},
                                           Case{2, 5, 7, 6, 3, false, 0, Bias::kOfTokens},
                                           Case{2, 40, 7, 6, 3, false, 0, Bias::kOfTokens},
                                           Case{2, 5, 7, 6, 3, true, 0, Bias::kOfSamples},
                                           Case{2, 40, 7, 6, 3, true, 0, Bias::kOfSamples},
                                           Case{2, 5, 7, 6, 3, false, 5, Bias::kFull}));

class ConditionalLinearPrecisionTest : public ::testing::TestWithParam<Case> {};

TEST_P(ConditionalLinearPrecisionTest, LowTypesAreWithinTwiceTheCompositionsError) {
  expect_low_close(op, composition, make_arguments(GetParam()));
}

TEST_P(ConditionalLinearPrecisionTest, Float32IsWithinItsTolerance) {
  expect_float32_close(op, composition, make_arguments(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Sizes, ConditionalLinearPrecisionTest,
                         ::testing::Values(Case{2, 100, 64, 96, 16}, Case{2, 30, 64, 96, 16},
                                           Case{3, 100, 64, 96, 16, true},
                                           Case{3, 30, 64, 96, 16, true},
                                           Case{2, 100, 64, 96, 16, false, 48},
                                           // Enough blocks for the GPU kernel of 9.0.
                                           Case{5, 130, 64, 1800, 32, true},
                                           Case{5, 260, 64, 1800, 32, false}));

TEST(ConditionalLinearOpTest, ComputesOnlyTheGradientsThatAreWanted) {
  const Arguments a = make_arguments({2, 5, 7, 6, 3, false, 5});
  const Tensor upstream = torch::randn_like(op(a));
  const std::vector<Tensor> all = backward(upstream, a, kAll);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::array<bool, 7> wanted{};
    wanted[i] = true;
    const std::vector<Tensor> some = backward(upstream, a, wanted);
    for (std::size_t j = 0; j < a.size(); ++j) EXPECT_EQ(some[j].defined(), i == j);
    EXPECT_LE(relative_error(some[i], all[i]), 1e-12) << i;
  }
}

TEST(ConditionalLinearOpTest, TakesEmptyAndPermutedInputsInFloat32) {
  const Arguments whole = make_arguments({2, 40, 7, 6, 3});
  for (const std::int64_t dimension : {0, 1}) {
    Arguments a = whole;
    a[0] = a[0].narrow(dimension, 0, 0);
    if (dimension == 0) a[5] = a[5].narrow(0, 0, 0);
    expect_float32_close(op, composition, a);
  }
  Arguments permuted = leaves_in(whole, torch::kFloat32);
  permuted[0] = permuted[0].detach().permute({1, 0, 2}).contiguous().permute({1, 0, 2});
  permuted[1] = permuted[1].detach().t().contiguous().t();
  permuted[5] = permuted[5].detach().t().contiguous().t();
  EXPECT_TRUE(torch::allclose(op(permuted), op(leaves_in(whole, torch::kFloat32)), 1e-5, 1e-5));
}

TEST(ConditionalLinearOpTest, MetaTensorsTellShapesAndTypes) {
  const Arguments a = make_arguments({2, 5, 7, 6, 3, true, 5});
  Arguments meta = leaves_in(a, torch::kBFloat16);
  for (Tensor& tensor : meta) tensor = tensor.detach().to(torch::kMeta).set_requires_grad(true);
  const Tensor y = op(meta);
  EXPECT_TRUE(y.is_meta());
  EXPECT_EQ(y.sizes(), op(a).sizes());
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  const auto gradients = torch::autograd::grad({y.sum()}, meta);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(gradients[i].sizes(), a[i].sizes());
}

TEST(ConditionalLinearOpTest, AutocastLowersAsALinearLayer) {
  const Arguments a = leaves_in(make_arguments({2, 5, 7, 6, 3}), torch::kFloat32);
  const at::DeviceType device = testing::test_device().type();
  at::autocast::set_autocast_dtype(device, torch::kBFloat16);
  at::autocast::set_autocast_enabled(device, true);
  const Tensor y = op(a);
  at::autocast::set_autocast_enabled(device, false);
  at::autocast::clear_cache();
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::equal(y, op(leaves_in(a, torch::kBFloat16))));
  EXPECT_EQ(torch::autograd::grad({y.sum()}, {a[0]})[0].scalar_type(), torch::kFloat32);
}

TEST(ConditionalLinearOpTest, SecondDerivativesAreRefusedByName) {
  const Arguments a = leaves_in(make_arguments({2, 5, 7, 6, 3}), torch::kFloat32);
  const auto first = torch::autograd::grad({op(a).sum()}, {a[0]}, {}, true, /*create_graph=*/true);
  try {
    torch::autograd::grad({first[0].sum()}, {a[1]});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("referent::conditional_linear_backward"),
              std::string::npos)
        << error.what();
  }
}

TEST(ConditionalLinearOpTest, RefusesTypesThatDoNotAgreeAndBiasesThatDoNotFit) {
  Arguments a = leaves_in(make_arguments({2, 5, 7, 6, 3}), torch::kFloat32);
  Arguments mixed = a;
  mixed[1] = a[1].detach().to(torch::kBFloat16);
  EXPECT_THROW(op(mixed), c10::Error);
  a[2] = torch::ones({5});
  EXPECT_THROW(op(a), c10::Error);
}

TEST(ConditionalLinearOpTest, KernelsAreRegistered) {
  expect_kernels("referent::conditional_linear");
  expect_kernels("referent::conditional_linear_backward");
}

}  // namespace
}  // namespace referent::ops
