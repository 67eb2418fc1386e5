// SPDX-License-Identifier: Apache-2.0
// A group of one that goes through the motions, on either device: what one GPU can show of NCCL.
#include <gtest/gtest.h>
#include <torch/nn.h>

#include "referent/distributed/gradient_reducer.h"
#include "support/listener.h"
#include "support/test_device.h"

namespace referent::distributed {
namespace {

using torch::Tensor;

class AloneTest : public ::testing::Test {
 protected:
  static Environment environment() {
    Environment environment;
    environment.master_address = "127.0.0.1";
    environment.master_port = static_cast<std::uint16_t>(testing::free_port());
    return environment;
  }

  torch::Device device_ = testing::test_device();
  ProcessGroup group_{environment(), {}, device_, ProcessGroup::Alone::kConnect};
};

TEST_F(AloneTest, ExchangesLeaveEverythingAsItIs) {
  ASSERT_NE(group_.c10d_group(), nullptr);
  const Tensor values = torch::randn({3, 5}, device_);
  const Tensor before = values.clone();
  const std::vector<Tensor> tensors{values};
  group_.broadcast(tensors);
  Tensor sum = values.clone();
  group_.all_reduce_sum(sum);
  EXPECT_TRUE(torch::equal(values, before));
  EXPECT_TRUE(torch::equal(sum, before));
  EXPECT_EQ(group_.all_gather("bytes"), std::vector<std::string>{"bytes"});
  EXPECT_EQ(group_.gather(""), std::vector<std::string>{""});
  group_.check_agreement("anything", "text");
  group_.barrier();
}

TEST_F(AloneTest, GradientsAreThoseOfAPlainBackwardPass) {
  for (const auto type : {torch::kFloat32, torch::kFloat64, torch::kBFloat16, torch::kFloat16}) {
    for (const bool deterministic : {false, true}) {
      torch::nn::Linear first(64, 64), second(64, 8), unused(4, 4);
      GradientReducer::Parameters parameters;
      for (auto layer : {first, second, unused}) {
        layer->to(device_, type);
        for (const Tensor& parameter : layer->parameters()) parameters.emplace_back("x", parameter);
      }
      const Tensor x = torch::randn({5, 64}, device_).to(type);
      const auto loss = [&] { return second(torch::tanh(first(x))).square().mean(); };
      loss().backward();
      std::vector<Tensor> expected;
      for (auto& [name, parameter] : parameters) {
        expected.push_back(parameter.grad());
        parameter.mutable_grad().reset();
      }

      GradientReducer reducer(group_, parameters,
                              {.deterministic = deterministic, .bucket_megabytes = 0.001});
      reducer.backward(loss());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const Tensor& gradient = parameters[i].second.grad();
        ASSERT_EQ(gradient.defined(), expected[i].defined()) << i;
        if (gradient.defined()) {
          EXPECT_TRUE(torch::equal(gradient, expected[i])) << i;
        }
      }
      EXPECT_GT(reducer.take_cost().exchanges, 1);
    }
  }
}

}  // namespace
}  // namespace referent::distributed
