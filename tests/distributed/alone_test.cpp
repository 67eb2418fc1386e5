// SPDX-License-Identifier: Apache-2.0
// A group of one that goes through the motions, on either device: what one GPU can show of NCCL.
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "referent/batch/profile.h"
#include "referent/core/file.h"
#include "referent/distributed/gradient_reducer.h"
#include "support/listener.h"
#include "support/temporary_folder.h"
#include "support/test_device.h"

namespace referent::distributed {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The identity, whose backward pass fails as one without memory does.
struct Failing : torch::autograd::Function<Failing> {
  static Tensor forward(AutogradContext* /*context*/, const Tensor& x) { return x.clone(); }
  static variable_list backward(AutogradContext* /*context*/, const variable_list& /*gradients*/) {
    throw std::runtime_error("no memory");
  }
};

/// Layers of which one is not used, and the gradients that a plain backward pass gives.
class Layers {
 public:
  Layers(torch::Device device, torch::ScalarType type)
      : x_(torch::randn({5, 64}, device).to(type)) {
    for (auto layer : {first_, second_, unused_}) {
      layer->to(device, type);
      for (const Tensor& parameter : layer->parameters()) parameters_.emplace_back("x", parameter);
    }
    loss().backward();
    for (const auto& [name, parameter] : parameters_) expected_.push_back(parameter.grad());
    reset();
  }

  const GradientReducer::Parameters& parameters() const { return parameters_; }

  Tensor loss() { return of_hidden(torch::tanh(first_(x_))); }
  /// Its backward pass reaches the second layer alone.
  Tensor failing_loss() { return of_hidden(Failing::apply(torch::tanh(first_(x_)))); }

  void reset() {
    for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
  }

  void expect_gradients() const {
    for (std::size_t i = 0; i < expected_.size(); ++i) {
      const Tensor& gradient = parameters_[i].second.grad();
      ASSERT_EQ(gradient.defined(), expected_[i].defined()) << i;
      if (gradient.defined()) {
        EXPECT_TRUE(torch::equal(gradient, expected_[i])) << i;
      }
    }
  }

 private:
  Tensor of_hidden(const Tensor& hidden) { return second_(hidden).square().mean(); }

  torch::nn::Linear first_{64, 64}, second_{64, 8}, unused_{4, 4};
  Tensor x_;
  GradientReducer::Parameters parameters_;
  std::vector<Tensor> expected_;
};

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
      Layers layers(device_, type);
      GradientReducer reducer(group_, layers.parameters(),
                              {.deterministic = deterministic, .bucket_megabytes = 0.001});
      reducer.backward(layers.loss());
      layers.expect_gradients();
      EXPECT_GT(reducer.take_cost().exchanges, 1);
    }
  }
}

TEST_F(AloneTest, AnAbandonedBackwardPassIsBegunAnew) {
  Layers layers(device_, torch::kFloat32);
  GradientReducer reducer(group_, layers.parameters(),
                          {.bucket_megabytes = 0.001, .abandonable = true});
  for (int round = 0; round < 3; ++round) {
    EXPECT_THROW(reducer.backward(layers.failing_loss()), std::runtime_error);
    ASSERT_TRUE(reducer.abandon());
    layers.reset();
    reducer.backward(layers.loss());
    layers.expect_gradients();
    layers.reset();
  }
}

TEST_F(AloneTest, TheTimelineShowsExchangesBesideTheBackwardPass) {
  Layers layers(device_, torch::kFloat32);
  GradientReducer reducer(group_, layers.parameters(), {.bucket_megabytes = 0.001});
  reducer.backward(layers.loss());  // the order of the buckets is settled after one
  layers.reset();
  const testing::TemporaryFolder folder;
  profile(device_, folder.path() / "trace.json", [&] { reducer.backward(layers.loss()); });
  double first_exchange = std::numeric_limits<double>::infinity();
  double last_gradient = 0;
  std::int64_t on_device = 0;
  const auto trace = nlohmann::json::parse(read_text_file(folder.path() / "trace.json"));
  for (const auto& event : trace.at("traceEvents")) {
    if (event.value("ph", "") != "X") continue;
    const std::string name = event.value("name", "");
    const double begin = event.at("ts");
    if (name == "c10d::allreduce_") first_exchange = std::min(first_exchange, begin);
    if (name == "torch::autograd::AccumulateGrad") last_gradient = std::max(last_gradient, begin);
    if (name == (device_.is_cuda() ? "nccl:all_reduce" : "gloo:all_reduce")) ++on_device;
  }
  EXPECT_LT(first_exchange, last_gradient);
  EXPECT_GT(on_device, 1);
}

}  // namespace
}  // namespace referent::distributed
