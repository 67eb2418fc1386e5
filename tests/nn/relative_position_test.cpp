// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/relative_position.h"

#include <gtest/gtest.h>

namespace referent::nn {
namespace {

using torch::Tensor;

TEST(RelativePositionTest, PicksTheRowOfEveryDistance) {
  const Tensor table = torch::arange(7, torch::kFloat32).unsqueeze(1);
  const Tensor rows = relative_positions(table, 4, 4).squeeze(-1);
  for (std::int64_t i = 0; i < 4; ++i) {
    for (std::int64_t j = 0; j < 4; ++j) {
      EXPECT_EQ(rows[i][j].item<float>(), static_cast<float>(i - j + 3));
    }
  }
}

TEST(RelativePositionTest, FitsTablesByResizingOrByTheirMiddle) {
  const Tensor table = torch::arange(9, torch::kFloat32).unsqueeze(1);
  EXPECT_TRUE(torch::equal(fit_relative_positions(table, 5, PositionFit::kCrop).flatten(),
                           torch::tensor({2.F, 3.F, 4.F, 5.F, 6.F})));
  const Tensor resized = fit_relative_positions(table, 3, PositionFit::kLinear).flatten();
  EXPECT_TRUE(torch::allclose(resized, torch::tensor({1.F, 4.F, 7.F})));
  EXPECT_TRUE(torch::equal(fit_relative_positions(table, 9, PositionFit::kCrop), table));
  EXPECT_THROW(fit_relative_positions(table, 11, PositionFit::kCrop), c10::Error);
}

TEST(RelativePositionTest, ScoresEqualTheSumOfBothAxes) {
  torch::manual_seed(1);
  const Tensor q = torch::randn({2, 3, 6, 4});  // a grid of 2 x 3
  const Tensor rows = torch::randn({3, 4});
  const Tensor columns = torch::randn({5, 4});
  const Tensor scores = decomposed_relative_scores(q, rows, columns, 2, 3);
  ASSERT_EQ(scores.sizes(), torch::IntArrayRef({2, 3, 6, 6}));
  for (std::int64_t query = 0; query < 6; ++query) {
    for (std::int64_t key = 0; key < 6; ++key) {
      const Tensor both = rows[query / 3 - key / 3 + 1] + columns[query % 3 - key % 3 + 2];
      EXPECT_TRUE(torch::allclose(scores.select(2, query).select(2, key),
                                  (q.select(2, query) * both).sum(-1), 1e-5, 1e-5));
    }
  }
}

TEST(AbsolutePositionTest, LeavesATableOfItsOwnSizeAndResizesOthers) {
  const Tensor table = torch::randn({1, 1 + 9, 4});
  const Tensor own = absolute_positions(table, /*has_class_token=*/true, 3, 3);
  EXPECT_TRUE(torch::equal(own.flatten(0, 2), table[0].narrow(0, 1, 9)));
  EXPECT_EQ(absolute_positions(table, true, 5, 7).sizes(), torch::IntArrayRef({1, 5, 7, 4}));
  EXPECT_THROW(absolute_positions(table, /*has_class_token=*/false, 3, 3), c10::Error);
}

}  // namespace
}  // namespace referent::nn
