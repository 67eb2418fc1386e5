// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/conditional_linear.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace referent::ops {
namespace {

using torch::Tensor;

struct Case {
  std::int64_t batch, tokens, input, output, rank, low_rank_input;  // 0: z = x
  bool dense;
};

struct Inputs {
  Tensor x, weight, bias;
  LowRankUpdate update;
  std::vector<Tensor> leaves;
};

Inputs make_inputs(const Case& c) {
  torch::manual_seed(1);
  const auto leaf = [](at::IntArrayRef shape) {
    return torch::randn(shape, torch::kFloat64).set_requires_grad(true);
  };
  Inputs in;
  in.x = leaf({c.batch, c.tokens, c.input});
  in.weight = leaf({c.output, c.input});
  in.bias = leaf({c.output});
  const std::int64_t z = c.low_rank_input > 0 ? c.low_rank_input : c.input;
  in.update.q = leaf({z, c.rank});
  in.update.p = leaf({c.output, c.rank});
  in.update.core = c.dense ? leaf({c.batch, c.rank, c.rank}) : leaf({c.batch, c.rank});
  if (c.low_rank_input > 0) in.update.input = leaf({c.batch, c.tokens, z});
  in.leaves = {in.x, in.weight, in.bias, in.update.q, in.update.p, in.update.core};
  if (in.update.input.defined()) in.leaves.push_back(in.update.input);
  return in;
}

/// The formula sample by sample, with the core as a full matrix.
Tensor reference(const Inputs& in) {
  const Tensor z = in.update.input.defined() ? in.update.input : in.x;
  std::vector<Tensor> rows;
  for (std::int64_t b = 0; b < in.x.size(0); ++b) {
    const Tensor core =
        in.update.core.dim() == 2 ? torch::diag(in.update.core[b]) : in.update.core[b];
    const Tensor low_rank = in.update.q.mm(core).mm(in.update.p.t());  // [Kz, M]
    rows.push_back(in.x[b].mm(in.weight.t()) + in.bias + z[b].mm(low_rank));
  }
  return torch::stack(rows);
}

class ConditionalLinearTest : public ::testing::TestWithParam<Case> {};

TEST_P(ConditionalLinearTest, EqualsTheFormulaWithEveryGradient) {
  const Inputs in = make_inputs(GetParam());
  const Tensor y = conditional_linear(in.x, in.weight, in.bias, in.update);
  const Tensor expected = reference(in);
  EXPECT_TRUE(torch::allclose(y, expected, 1e-10, 1e-10));

  const Tensor upstream = torch::randn_like(y);
  const auto gradients = torch::autograd::grad({y}, in.leaves, {upstream});
  const auto expected_gradients = torch::autograd::grad({expected}, in.leaves, {upstream});
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_TRUE(torch::allclose(gradients[i], expected_gradients[i], 1e-10, 1e-10))
        << "gradient " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ConditionalLinearTest,
                         ::testing::Values(Case{2, 5, 7, 6, 3, 0, false},
                                           Case{2, 5, 7, 6, 3, 0, true},
                                           Case{1, 1, 1, 1, 1, 0, false},
                                           Case{3, 4, 7, 6, 3, 5, false},
                                           Case{3, 4, 7, 6, 3, 5, true}));

TEST(ConditionalLinearShapesTest, TakesEmptyBatchesAndNonContiguousInputs) {
  Inputs in = make_inputs({2, 5, 7, 6, 3, 0, false});
  EXPECT_EQ(conditional_linear(in.x.narrow(0, 0, 0), in.weight, in.bias,
                               {in.update.q, in.update.p, in.update.core.narrow(0, 0, 0), {}})
                .sizes(),
            torch::IntArrayRef({0, 5, 6}));
  EXPECT_EQ(conditional_linear(in.x.narrow(1, 0, 0), in.weight, in.bias, in.update).sizes(),
            torch::IntArrayRef({2, 0, 6}));
  const Tensor permuted = in.x.permute({1, 0, 2}).contiguous().permute({1, 0, 2});
  EXPECT_TRUE(torch::allclose(conditional_linear(permuted, in.weight, in.bias, in.update),
                              reference(in), 1e-10, 1e-10));
}

TEST(ConditionalLinearShapesTest, RefusesWhatDoesNotFit) {
  const Inputs in = make_inputs({2, 5, 7, 6, 3, 0, false});
  LowRankUpdate update = in.update;
  update.core = torch::ones({2, 4}, torch::kFloat64);
  EXPECT_THROW(conditional_linear(in.x, in.weight, in.bias, update), c10::Error);
  update = in.update;
  update.q = torch::ones({6, 3}, torch::kFloat64);
  EXPECT_THROW(conditional_linear(in.x, in.weight, in.bias, update), c10::Error);
  update = in.update;
  update.p = torch::ones({7, 3}, torch::kFloat64);
  EXPECT_THROW(conditional_linear(in.x, in.weight, in.bias, update), c10::Error);
  EXPECT_THROW(conditional_linear(in.x[0], in.weight, in.bias, in.update), c10::Error);
}

TEST(ConditionalLinearShapesTest, WithoutUpdateIsALinearLayer) {
  const Inputs in = make_inputs({2, 5, 7, 6, 3, 0, false});
  EXPECT_TRUE(torch::equal(conditional_linear(in.x, in.weight, in.bias, std::nullopt),
                           torch::linear(in.x, in.weight, in.bias)));
}

TEST(OpRegistrationTest, SchemasSurviveTheLibrary) {
  for (const char* name : {"referent::conditional_linear", "referent::conditional_conv2d"}) {
    EXPECT_TRUE(c10::Dispatcher::singleton().findSchema({name, ""}).has_value()) << name;
  }
}

}  // namespace
}  // namespace referent::ops
