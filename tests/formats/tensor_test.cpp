// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/tensor.h"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

namespace referent::formats {
namespace {

TEST(TensorTest, KeepsACopyOfItsValues) {
  Tensor tensor;
  {
    const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
    tensor = make_tensor<float>(DType::kFloat32, {2, 3}, values);
  }
  EXPECT_EQ(tensor.count(), 6);
  EXPECT_EQ(tensor.values<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(describe(tensor), "float32 [2, 3]");
}

TEST(TensorTest, ScalarsHaveOneElementAndEmptyOnesNone) {
  const std::array<std::int64_t, 1> one{7};
  EXPECT_EQ(make_tensor<std::int64_t>(DType::kInt64, {}, one).count(), 1);
  EXPECT_EQ(make_tensor<std::int64_t>(DType::kInt64, {0, 5}, {}).count(), 0);
}

TEST(TensorTest, RefusesAWrongElementSizeOrCount) {
  const std::array<float, 2> values{1, 2};
  EXPECT_THROW(make_tensor<float>(DType::kFloat64, {2}, values), std::logic_error);
  EXPECT_THROW(make_tensor<float>(DType::kFloat32, {3}, values), std::logic_error);
  const Tensor tensor = make_tensor<float>(DType::kFloat32, {2}, values);
  EXPECT_THROW(tensor.values<double>(), std::logic_error);
}

TEST(TensorTest, NamesAndSizesOfElementTypes) {
  EXPECT_EQ(dtype_name(DType::kBFloat16), "BF16");
  EXPECT_EQ(element_size(DType::kBFloat16), 2U);
  EXPECT_EQ(dtype_name(DType::kBool), "BOOL");
  EXPECT_EQ(element_size(DType::kInt64), 8U);
}

}  // namespace
}  // namespace referent::formats
