// SPDX-License-Identifier: Apache-2.0
#include "relative_scores.h"

#include <gtest/gtest.h>

#include "attention.h"
#include "referent/nn/relative_position.h"

namespace referent::inference {
namespace {

using torch::Tensor;

TEST(RelativeScoresTest, EqualAttentionWithATableOfScores) {
  constexpr std::int64_t kHeads = 2;
  constexpr std::int64_t kDepth = 4;
  for (const std::int64_t side : {1, 3, 6}) {
    torch::manual_seed(side);
    const auto table = [&] { return torch::randn({2 * side - 1, kDepth}, torch::kFloat64); };
    const Tensor by_row = table();
    const Tensor by_column = table();
    const Tensor qkv = torch::randn({3, side * side, 3 * kHeads * kDepth}, torch::kFloat64);
    const auto part = qkv.chunk(3, -1);
    const Tensor heads = part[0].unflatten(-1, {kHeads, -1}).transpose(1, 2);
    const Tensor scores = nn::decomposed_relative_scores(heads, by_row, by_column, side, side);
    const Tensor expected = attention(part[0], part[1], part[2], scores, kHeads);
    const RelativeScores ours(by_row, by_column, side, {.dtype = torch::kFloat64});
    EXPECT_TRUE(torch::allclose(ours.attend(part, kHeads), expected, 1e-10, 1e-10)) << side;
  }
}

}  // namespace
}  // namespace referent::inference
