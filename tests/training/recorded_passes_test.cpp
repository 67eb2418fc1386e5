// SPDX-License-Identifier: Apache-2.0
// Steps whose passes are recorded beside steps computed kernel by kernel: on a GPU alone.
#include "referent/training/recorded_passes.h"

#include <gtest/gtest.h>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "referent/distributed/gradient_reducer.h"
#include "referent/training/step.h"
#include "support/listener.h"
#include "support/test_device.h"

namespace referent::training {
namespace {

/// Boxes and masks by a convolution, dropout and two layers; one layer is not used. A count of the
/// calls stands for buffers that change.
struct Net : models::Model {
  Net()
      : convolution(register_module(
            "convolution", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 8, 3).padding(1)))),
        dropout(register_module("dropout", torch::nn::Dropout(0.25))),
        boxes(register_module("boxes", torch::nn::Linear(8 * 64, 4))),
        masks(register_module("masks", torch::nn::Linear(8 * 64, 64))),
        unused(register_module("unused", torch::nn::Linear(5, 5))),
        calls(register_buffer("calls", torch::zeros({1}))) {}

  Output forward(const Batch& batch) override {
    calls += 1;
    if (waits) static_cast<void>(batch.images.sum().item<double>());
    const Tensor features = dropout(torch::relu(convolution(batch.images))).flatten(1);
    return {boxes(features).sigmoid().unsqueeze(1), {}, masks(features).reshape({-1, 1, 8, 8})};
  }

  torch::nn::Conv2d convolution;
  torch::nn::Dropout dropout;
  torch::nn::Linear boxes, masks, unused;
  Tensor calls;
  bool waits = false;  ///< for the device, which a recording cannot
};

/// `masked` of the samples have a mask.
Batch make_batch(std::int64_t samples, std::int64_t masked, std::uint64_t seed) {
  torch::manual_seed(seed);
  Batch batch;
  batch.images = torch::randn({samples, 3, 8, 8});
  batch.image_padding = torch::zeros({samples, 8, 8}, torch::kBool);
  batch.tokens = torch::ones({samples, 2}, torch::kInt64);
  batch.token_padding = torch::zeros({samples, 2}, torch::kBool);
  batch.boxes = torch::rand({samples, 4}) * 0.5 + 0.25;
  batch.has_mask = torch::arange(samples) < masked;
  batch.masks = (torch::rand({samples, 8, 8}) > 0.5).to(torch::kUInt8) *
                batch.has_mask.to(torch::kUInt8).reshape({-1, 1, 1});
  return batch;
}

/// A model that learns, its passes recorded or not.
class Training {
 public:
  Training(bool records, torch::ScalarType type, bool waits = false)
      : net_(seeded_net(waits)), optimizer_(settings(), *net_) {
    options_.device = testing::test_device();
    options_.forward.type = type;
    if (!records) return;
    recorded_.emplace(*net_);
    options_.forward.recorded = &*recorded_;
  }

  Net& net() { return *net_; }
  bool recorded() const { return recorded_->any(); }

  void exchange(distributed::ProcessGroup& group, distributed::GradientReducer& reducer) {
    options_.exchange = {&group, &reducer};
  }
  const AdamW& optimizer() const { return optimizer_; }

  std::vector<std::pair<std::string, double>> step(const Batch& batch,
                                                   const std::vector<std::int64_t>& sizes) {
    std::vector<Piece> pieces;
    std::int64_t begin = 0;
    for (const std::int64_t size : sizes) {
      pieces.push_back({batch.part(begin, begin + size), 7 + steps_++});
      begin += size;
    }
    return training::step(*net_, optimizer_, pieces, losses::BatchCounts::of(batch), 1, 1, options_)
        .values;
  }

  std::vector<Tensor> state() const {
    std::vector<Tensor> state = net_->parameters();
    state.push_back(net_->calls);
    return state;
  }

 private:
  static std::shared_ptr<Net> seeded_net(bool waits) {
    torch::manual_seed(2);
    auto net = std::make_shared<Net>();
    net->waits = waits;
    net->to(testing::test_device());
    return net;
  }
  static OptimizerConfig settings() {
    OptimizerConfig config;
    config.learning_rate = 1e-2;
    config.clip_norm = 0.1;
    return config;
  }

  std::shared_ptr<Net> net_;
  AdamW optimizer_;
  std::optional<RecordedPasses> recorded_;
  StepOptions options_;
  std::uint64_t steps_ = 0;
};

/// What both have learnt, and how close: kernels that add in no fixed order differ in the last
/// bits.
void expect_alike(const Training& a, const Training& b) {
  const std::vector<Tensor> first = a.state();
  const std::vector<Tensor> second = b.state();
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_LT((first[i] - second[i]).abs().max().item<double>(), 1e-5) << i;
  }
}

void train_both(Training& plain, Training& recorded, const std::vector<std::int64_t>& sizes,
                int steps) {
  const std::int64_t samples = std::reduce(sizes.begin(), sizes.end());
  for (int i = 0; i < steps; ++i) {
    // As many masks as there may be: their losses are no part of what is recorded.
    const Batch batch = make_batch(samples, i % (samples + 1), 100 + i);
    const auto expected = plain.step(batch, sizes);
    const auto values = recorded.step(batch, sizes);
    ASSERT_EQ(values.size(), expected.size());
    for (std::size_t k = 0; k < values.size(); ++k) {
      EXPECT_EQ(values[k].first, expected[k].first);
      EXPECT_NEAR(values[k].second, expected[k].second, 1e-4 * std::abs(expected[k].second))
          << values[k].first << " of step " << i;
    }
  }
}

TEST(RecordedPassesTest, LearnWhatStepsKernelByKernelLearn) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16, torch::kHalf}) {
    Training plain(false, type);
    Training recorded(true, type);
    train_both(plain, recorded, {6}, 1);
    EXPECT_FALSE(recorded.recorded());
    train_both(plain, recorded, {6}, 9);
    EXPECT_TRUE(recorded.recorded());
    expect_alike(plain, recorded);
    EXPECT_FALSE(recorded.net().unused->weight.grad().defined());
  }
}

TEST(RecordedPassesTest, PiecesAndOtherShapesAddUp) {
  Training plain(false, torch::kFloat32);
  Training recorded(true, torch::kFloat32);
  for (int round = 0; round < 3; ++round) {
    for (const std::vector<std::int64_t>& sizes :
         {std::vector<std::int64_t>{4, 4}, {4, 2}, {3, 2, 1}, {5}, {7}, {4}}) {
      train_both(plain, recorded, sizes, 2);
    }
  }
  expect_alike(plain, recorded);
}

TEST(RecordedPassesTest, GradientsReachWhatExchangesThem) {
  distributed::Environment environment;
  environment.master_address = "127.0.0.1";
  environment.master_port = static_cast<std::uint16_t>(testing::free_port());
  distributed::ProcessGroup group(environment, {}, testing::test_device(),
                                  distributed::ProcessGroup::Alone::kConnect);
  Training plain(false, torch::kFloat32);
  Training recorded(true, torch::kFloat32);
  distributed::GradientReducer reducer(group, recorded.optimizer().parameters(),
                                       {.bucket_megabytes = 0.01});
  recorded.exchange(group, reducer);
  train_both(plain, recorded, {6}, 8);
  EXPECT_TRUE(recorded.recorded());
  EXPECT_GT(reducer.take_cost().exchanges, 1);
  expect_alike(plain, recorded);
}

TEST(RecordedPassesTest, AModelThatWaitsForTheDeviceIsNotRecorded) {
  Training plain(false, torch::kFloat32, /*waits=*/true);
  Training recorded(true, torch::kFloat32, /*waits=*/true);
  train_both(plain, recorded, {6}, 4);
  EXPECT_FALSE(recorded.recorded());
  expect_alike(plain, recorded);
}

TEST(RecordedPassesTest, ABackwardPassFollowsItsForwardPassOnce) {
  Training training(true, torch::kFloat32);
  const Batch batch = make_batch(6, 0, 1).to(testing::test_device());
  RecordedPasses passes(training.net());
  const ForwardOptions options;
  passes.forward(batch, options);
  const Tensor first = passes.forward(batch, options).boxes.sum();
  const Tensor second = passes.forward(batch, options).boxes.sum();
  second.backward();
  EXPECT_THROW(first.backward(), c10::Error);
}

}  // namespace
}  // namespace referent::training
