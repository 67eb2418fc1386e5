// SPDX-License-Identifier: Apache-2.0
#include "referent/training/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adamw.h>

#include "referent/core/error.h"

namespace referent::training {
namespace {

using ::testing::HasSubstr;
using torch::Tensor;

struct Net : torch::nn::Module {
  Net()
      : body(register_module("body", torch::nn::Linear(4, 5))),
        head(register_module("head", torch::nn::Linear(5, 2))),
        unused(register_module("unused", torch::nn::Linear(2, 2))) {}
  Tensor forward(const Tensor& x) { return head(torch::tanh(body(x))); }
  torch::nn::Linear body, head, unused;
};

void backward(Net& net, int step) {
  torch::manual_seed(100 + step);
  net.forward(torch::randn({3, 4})).pow(2).sum().backward();
}

OptimizerConfig config() {
  OptimizerConfig config;
  config.learning_rate = 1e-2;
  config.weight_decay = 0.1;
  config.groups = {{"body", {"body.*"}, 1e-3, false}};
  return config;
}

TEST(MatchesTest, UnderstandsStars) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a.*", "a.b.c"));
  EXPECT_TRUE(matches("*.weight", "a.b.weight"));
  EXPECT_TRUE(matches("a*b*c", "a12b34bc"));
  EXPECT_FALSE(matches("a.*", "b.a.c"));
  EXPECT_FALSE(matches("a", "ab"));
  EXPECT_FALSE(matches("*.bias", "a.weight"));
}

TEST(AdamWTest, WithoutBiasCorrectionMomentsCountAsTheyAre) {
  torch::manual_seed(1);
  Net net;
  OptimizerConfig plain = config();
  plain.bias_correction = false;
  AdamW optimizer(plain, net);
  const Tensor weight = net.head->weight;
  Tensor expected = weight.detach().clone();
  Tensor first = torch::zeros_like(expected);
  Tensor second = torch::zeros_like(expected);
  for (int step = 0; step < 3; ++step) {
    optimizer.zero_gradients();
    backward(net, step);
    const Tensor gradient = weight.grad();
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient.square();
    expected =
        expected - plain.learning_rate * (first / (second.sqrt() + plain.epsilon) + 0.1 * expected);
    optimizer.step(1.0, optimizer.gradient_norm());
    EXPECT_TRUE(torch::allclose(weight.detach(), expected, 1e-5, 1e-6)) << step;
  }
}

TEST(AdamWTest, EqualsLibTorchsStepByStep) {
  torch::manual_seed(1);
  Net ours;
  Net theirs;
  {
    const torch::NoGradGuard no_grad;
    auto source = ours.named_parameters();
    for (auto& item : theirs.named_parameters()) item.value().copy_(source[item.key()]);
  }
  AdamW optimizer(config(), ours);
  const auto options = [](double rate) {
    return std::make_unique<torch::optim::AdamWOptions>(
        torch::optim::AdamWOptions(rate).weight_decay(0.1));
  };
  torch::optim::AdamW reference(
      {torch::optim::OptimizerParamGroup(theirs.body->parameters(), options(1e-3)),
       torch::optim::OptimizerParamGroup(theirs.head->parameters(), options(1e-2))},
      torch::optim::AdamWOptions(1.0));
  for (int step = 0; step < 5; ++step) {
    optimizer.zero_gradients();
    backward(ours, step);
    optimizer.step(1.0, optimizer.gradient_norm());
    reference.zero_grad();
    backward(theirs, step);
    reference.step();
  }
  auto expected = theirs.named_parameters();
  for (const auto& item : ours.named_parameters()) {
    EXPECT_TRUE(torch::allclose(item.value(), expected[item.key()], 1e-5, 1e-6)) << item.key();
  }
}

TEST(AdamWTest, LeavesParametersWithoutGradientAlone) {
  Net net;
  const Tensor before = net.unused->weight.detach().clone();
  AdamW optimizer(config(), net);
  backward(net, 0);
  optimizer.step(1.0, optimizer.gradient_norm());
  EXPECT_TRUE(torch::equal(net.unused->weight, before));
}

/// Two nets of the same values with the same gradients.
std::pair<Net, Net> twins() {
  std::pair<Net, Net> nets;
  for (Net* net : {&nets.first, &nets.second}) {
    torch::manual_seed(1);
    *net = Net();
    backward(*net, 0);
  }
  return nets;
}

std::vector<Tensor> gradients_of(const Net& net) {
  std::vector<Tensor> gradients;
  for (const Tensor& parameter : net.parameters()) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return gradients;
}

void expect_same_values(const Net& a, const Net& b, double tolerance) {
  const auto expected = b.named_parameters();
  for (const auto& item : a.named_parameters()) {
    EXPECT_TRUE(torch::allclose(item.value(), expected[item.key()], tolerance, tolerance))
        << item.key();
  }
}

TEST(AdamWTest, ClipsTheCommonNorm) {
  for (const double clip : {0.5, 1e6}) {
    auto [clipped, scaled] = twins();
    OptimizerConfig clipping = config();
    clipping.clip_norm = clip;
    clipping.epsilon = 1e-2;  // otherwise AdamW's first step does not depend on the scale
    AdamW optimizer(clipping, clipped);
    double sum = 0;
    for (const Tensor& g : gradients_of(clipped)) sum += g.square().sum().item<double>();
    const Tensor norm = optimizer.gradient_norm();
    EXPECT_NEAR(norm.item<double>(), std::sqrt(sum), 1e-5 * std::sqrt(sum));
    ASSERT_GT(std::sqrt(sum), 0.5);
    optimizer.step(1.0, norm);

    OptimizerConfig plain = clipping;
    plain.clip_norm = 0;
    AdamW reference(plain, scaled);
    const double factor = std::min(1.0, clip / std::sqrt(sum));
    for (Tensor gradient : gradients_of(scaled)) gradient.mul_(factor);
    reference.step(1.0, reference.gradient_norm());
    expect_same_values(clipped, scaled, 1e-6);
  }
}

TEST(AdamWTest, ANormThatIsNotFiniteChangesNothing) {
  auto [net, untouched] = twins();
  AdamW optimizer(config(), net);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    optimizer.step(1.0, torch::full({}, bad));
    expect_same_values(net, untouched, 0);
  }
  // Neither do the moments and the counts of steps.
  optimizer.step(1.0, optimizer.gradient_norm());
  AdamW fresh(config(), untouched);
  fresh.step(1.0, fresh.gradient_norm());
  expect_same_values(net, untouched, 0);
}

TEST(AdamWTest, GoesOnFromItsState) {
  torch::manual_seed(1);
  Net straight;
  Net resumed;
  {
    const torch::NoGradGuard no_grad;
    auto source = straight.named_parameters();
    for (auto& item : resumed.named_parameters()) item.value().copy_(source[item.key()]);
  }
  AdamW first(config(), straight);
  AdamW before(config(), resumed);
  for (int step = 0; step < 2; ++step) {
    for (auto [net, optimizer] : {std::pair{&straight, &first}, std::pair{&resumed, &before}}) {
      optimizer->zero_gradients();
      backward(*net, step);
      optimizer->step(1.0, optimizer->gradient_norm());
    }
  }
  AdamW after(config(), resumed);
  after.load_state(before.state());
  for (auto [net, optimizer] : {std::pair{&straight, &first}, std::pair{&resumed, &after}}) {
    optimizer->zero_gradients();
    backward(*net, 2);
    optimizer->step(1.0, optimizer->gradient_norm());
  }
  auto expected = straight.named_parameters();
  for (const auto& item : resumed.named_parameters()) {
    EXPECT_TRUE(torch::equal(item.value(), expected[item.key()])) << item.key();
  }
}

TEST(AdamWTest, SortsFreezesAndCountsGroups) {
  Net net;
  OptimizerConfig frozen = config();
  frozen.groups.push_back({"frozen", {"unused.*"}, 0, true});
  const AdamW optimizer(frozen, net);
  ASSERT_EQ(optimizer.groups().size(), 3U);
  EXPECT_EQ(optimizer.groups()[0].count, 4 * 5 + 5);
  EXPECT_EQ(optimizer.groups()[1].count, 0);
  EXPECT_EQ(optimizer.groups()[2].count, 5 * 2 + 2);
  EXPECT_FALSE(net.unused->weight.requires_grad());
}

TEST(AdamWTest, APatternThatMatchesNothingIsAnError) {
  Net net;
  OptimizerConfig wrong = config();
  wrong.groups[0].patterns.push_back("bodi.*");
  try {
    const AdamW optimizer(wrong, net);
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("bodi.*"));
  }
}

}  // namespace
}  // namespace referent::training
