// SPDX-License-Identifier: Apache-2.0
// The kernel's body, thread by thread, against the formula.
#include "kernels/inference/relative_features_body.h"

#include <gtest/gtest.h>

#include <vector>

namespace referent::kernels {
namespace {

/// A problem whose every input is a number of its own, which 16 bits hold.
struct Problem {
  Problem(int batch, int height, int width, int side, int heads, int depth) {
    params.type = DataType::kFloat16;
    params.batch = batch;
    params.height = height;
    params.width = width;
    params.side = side;
    params.heads = heads;
    params.depth = depth;
    params.features = (depth + 2 * side + 7) / 8 * 8;
    params.offsets = (4 * side - 2 + 7) / 8 * 8;
    params.row_stride = 3 * heads * depth + 8;
    cells = static_cast<std::size_t>(batch) * height * width;
    qkv = numbers(cells * static_cast<std::size_t>(params.row_stride), 1);
    scores = numbers(cells * static_cast<std::size_t>(heads * params.offsets), 1025);
    const std::size_t rows = cells * static_cast<std::size_t>(heads);
    q.resize(rows * static_cast<std::size_t>(params.features) / 8);
    k.resize(q.size());
    v.resize(rows * static_cast<std::size_t>(depth) / 8);
    params.qkv = qkv.data();
    params.scores = scores.data();
    params.q = q.data();
    params.k = k.data();
    params.v = v.data();
  }
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;

  using Values = Vector<Half, 8>;

  static std::vector<Values> numbers(std::size_t count, int first) {
    std::vector<Values> values((count + 7) / 8);
    for (std::size_t i = 0; i < 8 * values.size(); ++i) {
      values[i / 8].values[i % 8] =
          from_float<Half>(static_cast<float>(first + static_cast<int>(i * 7 % 1021)));
    }
    return values;
  }

  static float at(const std::vector<Values>& values, long long i) {
    const auto place = static_cast<std::size_t>(i);
    return to_float(values[place / 8].values[place % 8]);
  }

  RelativeFeaturesParams params;
  std::size_t cells;
  std::vector<Values> qkv, scores, q, k, v;
};

/// Wrong elements of what was written.
int faults(const Problem& problem) {
  const RelativeFeaturesParams& p = problem.params;
  int wrong = 0;
  const auto expect = [&](float found, float expected) { wrong += found != expected ? 1 : 0; };
  int window = 0;
  for (int b = 0; b < p.batch; ++b) {
    for (int top = 0; top < p.height; top += p.side) {
      for (int left = 0; left < p.width; left += p.side, ++window) {
        for (int y = 0; y < p.side; ++y) {
          for (int x = 0; x < p.side; ++x) {
            const long long cell = (b * p.height + top + y) * p.width + left + x;
            for (int h = 0; h < p.heads; ++h) {
              const auto input = [&](int which, int i) {
                return Problem::at(problem.qkv,
                                   cell * p.row_stride + (which * p.heads + h) * p.depth + i);
              };
              const auto score = [&](int offset) {
                return Problem::at(
                    problem.scores,
                    (h * static_cast<long long>(problem.cells) + cell) * p.offsets + offset);
              };
              const long long row =
                  ((static_cast<long long>(window) * p.side + y) * p.side + x) * p.heads + h;
              for (int i = 0; i < p.depth; ++i) {
                expect(Problem::at(problem.q, row * p.features + i), input(0, i));
                expect(Problem::at(problem.k, row * p.features + i), input(1, i));
                expect(Problem::at(problem.v, row * p.depth + i), input(2, i));
              }
              for (int i = 0; i < p.features - p.depth; ++i) {
                const long long place = row * p.features + p.depth + i;
                const bool of_row = i < p.side;
                const int other = i - p.side;
                const bool beyond = i >= 2 * p.side;
                expect(Problem::at(problem.q, place),
                       beyond   ? 0
                       : of_row ? score(p.side - 1 - y + i)
                                : score(2 * p.side - 1 + p.side - 1 - x + other));
                expect(Problem::at(problem.k, place),
                       !beyond && (of_row ? i == y : other == x) ? 1 : 0);
              }
            }
          }
        }
      }
    }
  }
  return wrong;
}

TEST(RelativeFeaturesTest, AreThoseOfTheFormulaOfEveryWindow) {
  for (const auto& [batch, height, width, side, heads, depth] : {std::tuple{1, 3, 3, 3, 1, 8},
                                                                 {2, 4, 6, 2, 3, 16},
                                                                 {1, 14, 28, 14, 2, 8},
                                                                 {2, 5, 5, 5, 2, 24},
                                                                 {1, 1, 1, 1, 1, 8}}) {
    Problem problem(batch, height, width, side, heads, depth);
    ASSERT_TRUE(takes(problem.params));
    const RelativeFeatures<Half> features(problem.params);
    for (int sample = 0; sample < batch; ++sample) {
      for (int window = 0; window < height / side * (width / side); ++window) {
        for (int place = 0; place < side * side; ++place) {
          for (int piece = 0; piece < features.pieces(); ++piece) {
            features.write(sample, window, place, piece);
          }
        }
      }
    }
    EXPECT_EQ(faults(problem), 0) << height << " x " << width << " in windows of " << side;
  }
}

TEST(RelativeFeaturesTest, WhatIsNotTakenIsSaid) {
  const auto takes_with = [](const auto& change) {
    Problem problem(2, 4, 6, 2, 3, 16);
    change(problem.params);
    return takes(problem.params);
  };
  using Params = RelativeFeaturesParams;
  EXPECT_TRUE(takes_with([](Params&) {}));
  EXPECT_FALSE(takes_with([](Params& p) { p.type = DataType::kFloat32; }));
  EXPECT_FALSE(takes_with([](Params& p) { p.height = 5; }));
  EXPECT_FALSE(takes_with([](Params& p) { p.width = 7; }));
  EXPECT_FALSE(takes_with([](Params& p) { p.depth = 12; }));
  EXPECT_FALSE(takes_with([](Params& p) { p.features = 18; }));
  EXPECT_FALSE(takes_with([](Params& p) { p.features = 16; }));
  EXPECT_FALSE(takes_with([](Params& p) { p.offsets = 4; }));
  EXPECT_FALSE(takes_with([](Params& p) { p.row_stride += 4; }));
  EXPECT_FALSE(takes_with([](Params& p) { p.qkv = static_cast<const char*>(p.qkv) + 2; }));
  EXPECT_FALSE(takes_with([](Params& p) { p.batch = 1 << 16; }));
}

}  // namespace
}  // namespace referent::kernels
