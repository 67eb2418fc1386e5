// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/sine_position.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace referent::nn {
namespace {

/// One element from the definition, in double.
double expected(std::int64_t index, double count, double last, std::int64_t half) {
  const double phase = count / (last + 1e-6) * 2 * std::numbers::pi;
  const double angle =
      phase / std::pow(10000.0, 2.0 * static_cast<double>(index / 2) / static_cast<double>(half));
  return index % 2 == 0 ? std::sin(angle) : std::cos(angle);
}

TEST(SinePositionTest, EqualsTheDefinitionOnAPaddedGrid) {
  constexpr std::int64_t kWidth = 16;
  torch::Tensor padding = torch::zeros({2, 4, 5}, torch::kBool);
  padding[1].narrow(0, 3, 1).fill_(true);  // the last row of the second sample
  padding[1].narrow(1, 0, 2).fill_(true);  // and its first two columns
  const torch::Tensor position = sine_position(padding, kWidth);
  ASSERT_EQ(position.sizes(), torch::IntArrayRef({2, 20, kWidth}));

  for (std::int64_t row = 0; row < 3; ++row) {
    for (std::int64_t column = 2; column < 5; ++column) {
      const torch::Tensor cell = position[1][row * 5 + column];
      for (std::int64_t i = 0; i < kWidth / 2; ++i) {
        EXPECT_NEAR(cell[i].item<double>(),
                    expected(i, static_cast<double>(row + 1), 3, kWidth / 2), 1e-5);
        EXPECT_NEAR(cell[kWidth / 2 + i].item<double>(),
                    expected(i, static_cast<double>(column - 1), 3, kWidth / 2), 1e-5);
      }
    }
  }
}

}  // namespace
}  // namespace referent::nn
