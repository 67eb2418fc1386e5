// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/window.h"

#include <gtest/gtest.h>

namespace referent::nn {
namespace {

using torch::Tensor;

TEST(WindowTest, CutsInRowMajorOrderAndPadsBelowAndToTheRight) {
  const Tensor x = torch::arange(1, 3 * 5 + 1, torch::kFloat32).view({1, 3, 5, 1});
  const Tensor windows = partition_windows(x, 2);
  ASSERT_EQ(windows.sizes(), torch::IntArrayRef({6, 2, 2, 1}));
  EXPECT_TRUE(torch::equal(windows[0].flatten(), torch::tensor({1.F, 2.F, 6.F, 7.F})));
  EXPECT_TRUE(torch::equal(windows[2].flatten(), torch::tensor({5.F, 0.F, 10.F, 0.F})));
  EXPECT_TRUE(torch::equal(windows[5].flatten(), torch::tensor({15.F, 0.F, 0.F, 0.F})));
}

TEST(WindowTest, JoiningUndoesCutting) {
  const Tensor x = torch::randn({3, 9, 13, 5});
  for (const std::int64_t size : {1, 3, 4, 16}) {
    EXPECT_TRUE(torch::equal(join_windows(partition_windows(x, size), 9, 13), x)) << size;
  }
}

}  // namespace
}  // namespace referent::nn
