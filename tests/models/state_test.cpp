// SPDX-License-Identifier: Apache-2.0
#include <torch/nn/modules/linear.h>

#include "referent/models/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "referent/core/error.h"

namespace referent::models {
namespace {

using ::testing::HasSubstr;

TEST(StateTest, BytesGoThereAndBackForEveryType) {
  for (const auto type :
       {torch::kBool, torch::kUInt8, torch::kInt8, torch::kInt16, torch::kInt32, torch::kInt64,
        torch::kFloat16, torch::kBFloat16, torch::kFloat32, torch::kFloat64}) {
    const torch::Tensor tensor = torch::arange(6).view({2, 3}).to(type);
    const torch::Tensor back = to_torch(to_bytes(tensor.t()));
    EXPECT_EQ(back.scalar_type(), type);
    EXPECT_TRUE(torch::equal(back, tensor.t())) << type;
  }
  EXPECT_EQ(to_torch(to_bytes(torch::zeros({0, 3}))).sizes(), torch::IntArrayRef({0, 3}));
}

TEST(StateTest, SaysWhatDoesNotFit) {
  torch::nn::Linear layer(2, 3);
  const auto message = [&](const formats::TensorMap& tensors) -> std::string {
    try {
      load_state(*layer, tensors, /*complete=*/true);
    } catch (const CheckpointError& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(message({{"weigth", to_bytes(torch::zeros({3, 2}))}}), HasSubstr("weigth"));
  EXPECT_THAT(message({{"weight", to_bytes(torch::zeros({2, 3}))}}), HasSubstr("[3, 2]"));
  EXPECT_THAT(message({{"weight", to_bytes(torch::zeros({3, 2}))}}), HasSubstr("lacks bias"));
  EXPECT_EQ(message(state_bytes(*layer)), "");
}

}  // namespace
}  // namespace referent::models
