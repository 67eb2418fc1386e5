// SPDX-License-Identifier: Apache-2.0
// The kernels between the products of a frozen model: their own bodies, thread by thread.
#include <gtest/gtest.h>

#include "kernels/emulator.h"
#include "kernels/inference/add_layer_norm_body.h"
#include "kernels/inference/blocks_body.h"
#include "kernels/inference/gates_body.h"
#include "kernels/inference/max_pool_body.h"
#include "kernels/inference/relative_features_body.h"
#include "kernels/inference/scaled_bottleneck_body.h"
#include "kernels/inference/support.h"
#include "kernels/inference_problems.h"

namespace referent::kernels {
namespace {

/// Runs blocks of a body on a problem, `run(machine, params, block)` each thread of them, and holds
/// it to the formula and to writing every element of the outputs once.
template <class Body, class Problem, class Run>
void emulate(Problem& problem, int blocks, Run run) {
  EmulatedMemory memory;
  std::apply([&](auto&... inputs) { (memory.add_input(inputs), ...); }, problem.inputs());
  std::apply([&](auto&... outputs) { (memory.add_output(outputs), ...); }, problem.outputs());
  if constexpr (requires { problem.weights; }) {
    for (auto& weights : problem.weights) {
      weights.for_each([&](auto& buffer) { memory.add_input(buffer); });
    }
  }
  const auto params =
      problem.params([](auto& buffer) { return static_cast<void*>(buffer.data()); });
  ASSERT_TRUE(takes(params));
  EmulatedBlock block(Body::kThreads, Body::kSharedBytes, memory);
  for (int i = 0; i < blocks; ++i) {
    block.run(i, [&](int thread) {
      EmulatedMachine machine(block, thread);
      run(machine, params, i);
    });
  }
  EXPECT_LE(problem.worst_error(), 1.0);
  std::apply(
      [&](const auto&... outputs) {
        EXPECT_TRUE((memory.wrote_once(outputs.data()) && ...))
            << "every output element is written once";
      },
      problem.outputs());
}

/// Of a body whose every thread makes an output of its own.
template <class Body, class Problem>
void emulate_outputs(Problem problem) {
  const auto params = problem.params([](auto&) { return nullptr; });
  const auto blocks = (Body::outputs(params) + Body::kThreads - 1) / Body::kThreads;
  emulate<Body>(problem, static_cast<int>(blocks),
                [](EmulatedMachine& machine, const auto& p, int) {
                  Body{machine, p}.run();
                });
}

template <class T>
class InferenceEmulation : public ::testing::Test {
 protected:
  template <int kChunks>
  void add_layer_norm(int rows, bool sum_wanted) {
    using Body = AddLayerNorm<EmulatedMachine, T, kChunks>;
    AddLayerNormProblem<T> problem{rows, Body::kWidth, sum_wanted};
    const auto params = problem.params([](auto&) { return nullptr; });
    emulate<Body>(problem, Body::blocks(params), [](EmulatedMachine& machine, const auto& p, int) {
      Body{machine, p}.run();
    });
  }

  void gates(const GateCase& c) {
    using Body = Gates<EmulatedMachine, T>;
    GateProblem<T> problem(c);
    emulate<Body>(problem, c.batch * c.gates,
                  [&](EmulatedMachine& machine, const auto& p, int block) {
                    Body{machine, p}.run(block / c.gates, block % c.gates);
                  });
  }

  void max_pool(const MaxPoolProblem<T>& problem) {
    emulate_outputs<MaxPool<EmulatedMachine, T>>(problem);
  }
};
using All = ::testing::Types<BFloat16, Half, float>;
TYPED_TEST_SUITE(InferenceEmulation, All);

TYPED_TEST(InferenceEmulation, SumsAndNorms) {
  if constexpr (!std::is_same_v<TypeParam, float>) {
    this->template add_layer_norm<1>(9, true);
    this->template add_layer_norm<2>(1, false);
    this->template add_layer_norm<3>(4, true);
    this->template add_layer_norm<4>(3, false);
  } else {
    EXPECT_FALSE(takes(AddLayerNormParams{.type = DataType::kFloat32, .rows = 9, .width = 256}));
  }
}

TYPED_TEST(InferenceEmulation, MaximaOfEvenAndOddPictures) {
  this->max_pool({2, 6, 8, 16});
  this->max_pool({1, 7, 5, 24});
  this->max_pool({3, 1, 1, 8});
}

TYPED_TEST(InferenceEmulation, GatesOfBothOrders) {
  this->gates({2, 21, 64, 72, 64, 32, 16, true, 2});
  this->gates({1, 3, 2048, 768, 256, 128, 64, false, 1});
  this->gates({1, 70, 24, 8, 12, 20, 3, true, 1});
}

template <class T>
class HalfInferenceEmulation : public ::testing::Test {};
using Halves = ::testing::Types<BFloat16, Half>;
TYPED_TEST_SUITE(HalfInferenceEmulation, Halves);

TYPED_TEST(HalfInferenceEmulation, BlocksOfPixels) {
  using Body = Blocks<EmulatedMachine, TypeParam>;
  using Problem = BlocksProblem<TypeParam>;
  emulate_outputs<Body>(Problem{2, 9, 12, 3, 8, 9});
  emulate_outputs<Body>(Problem{1, 4, 4, 0, 2, 2});
  emulate_outputs<Body>(Problem{1, 1, 1, 4, 5, 5});
}

TYPED_TEST(HalfInferenceEmulation, ScaledBottlenecks) {
  using Body = ScaledBottleneck<EmulatedMachine, TypeParam>;
  using Problem = ScaledBottleneckProblem<TypeParam>;
  emulate_outputs<Body>(Problem{3, 35, 64});
  emulate_outputs<Body>(Problem{1, 1, 8});
}

TYPED_TEST(HalfInferenceEmulation, RelativeFeaturesOfEveryWindow) {
  using Body = RelativeFeatures<EmulatedMachine, TypeParam>;
  for (const auto& [batch, height, width, side, heads, depth] : {std::tuple{1, 3, 3, 3, 1, 8},
                                                                 {2, 4, 6, 2, 3, 16},
                                                                 {1, 14, 28, 14, 2, 8},
                                                                 {2, 5, 5, 5, 12, 64},
                                                                 {1, 1, 1, 1, 1, 8}}) {
    SCOPED_TRACE(std::to_string(height) + " x " + std::to_string(width) + " in windows of " +
                 std::to_string(side));
    RelativeFeaturesProblem<TypeParam> problem(batch, height, width, side, heads, depth);
    const int cells = side * side;
    const int windows = height / side * (width / side);
    emulate<Body>(
        problem, batch * windows * cells, [&](EmulatedMachine& machine, const auto& p, int block) {
          Body(machine, p).run(block / cells / windows, block / cells % windows, block % cells);
        });
  }
}

TEST(InferenceSupportTest, WhatIsNotTakenIsSaid) {
  const auto changed = [](auto problem) {
    return [problem](auto change) mutable {
      auto params = problem.params([](auto& buffer) { return static_cast<void*>(buffer.data()); });
      change(params);
      return takes(params);
    };
  };
  const auto unchanged = [](auto&) {};

  auto norm = changed(AddLayerNormProblem<Half>{3, 512, true});
  EXPECT_TRUE(norm(unchanged));
  EXPECT_FALSE(norm([](auto& p) { p.type = DataType::kFloat32; }));
  EXPECT_FALSE(norm([](auto& p) { p.width = 0; }));
  EXPECT_FALSE(norm([](auto& p) { p.width = 520; }));
  EXPECT_FALSE(norm([](auto& p) { p.width = 1280; }));

  auto pool = changed(MaxPoolProblem<Half>{1, 4, 4, 8});
  EXPECT_TRUE(pool(unchanged));
  EXPECT_FALSE(pool([](auto& p) { p.channels = 12; }));
  EXPECT_TRUE(pool([](auto& p) { p.type = DataType::kFloat32, p.channels = 12; }));

  auto gates = changed(GateProblem<Half>({1, 2, 64, 72, 64, 32, 16, true, 2}));
  EXPECT_TRUE(gates(unchanged));
  EXPECT_FALSE(gates([](auto& p) { p.tokens = 0; }));
  EXPECT_FALSE(gates([](auto& p) { p.channels = 4096; }));
  EXPECT_FALSE(gates([](auto& p) { p.channels = 60; }));
  EXPECT_FALSE(gates([](auto& p) { p.x_row_stride += 4; }));
  EXPECT_FALSE(gates([](auto& p) { p.x = static_cast<const char*>(p.x) + 2; }));
  EXPECT_FALSE(gates([](auto& p) { p.text_width = 70; }));
  EXPECT_FALSE(gates([](auto& p) { p.width = 260; }));
  EXPECT_FALSE(gates([](auto& p) { p.hidden = 30; }));
  EXPECT_FALSE(gates([](auto& p) { p.gates = 3; }));

  auto blocks = changed(BlocksProblem<Half>{1, 4, 4, 0, 2, 2});
  EXPECT_TRUE(blocks(unchanged));
  EXPECT_FALSE(blocks([](auto& p) { p.type = DataType::kFloat32; }));
  EXPECT_FALSE(blocks([](auto& p) { p.batch = p.rows = p.columns = 1 << 20; }));

  auto bottleneck = changed(ScaledBottleneckProblem<Half>{1, 3, 8});
  EXPECT_TRUE(bottleneck(unchanged));
  EXPECT_FALSE(bottleneck([](auto& p) { p.rank = 12; }));
  EXPECT_FALSE(bottleneck([](auto& p) { p.type = DataType::kFloat32; }));

  auto features = changed(RelativeFeaturesProblem<Half>(2, 4, 6, 2, 3, 16));
  EXPECT_TRUE(features(unchanged));
  EXPECT_FALSE(features([](auto& p) { p.type = DataType::kFloat32; }));
  EXPECT_FALSE(features([](auto& p) { p.height = 5; }));
  EXPECT_FALSE(features([](auto& p) { p.width = 7; }));
  EXPECT_FALSE(features([](auto& p) { p.depth = 12; }));
  EXPECT_FALSE(features([](auto& p) { p.features = 18; }));
  EXPECT_FALSE(features([](auto& p) { p.features = 16; }));
  EXPECT_FALSE(features([](auto& p) { p.offsets = 4; }));
  EXPECT_FALSE(features([](auto& p) { p.row_stride += 4; }));
  EXPECT_FALSE(features([](auto& p) { p.qkv = static_cast<const char*>(p.qkv) + 2; }));
  EXPECT_FALSE(features([](auto& p) { p.batch = 1 << 16; }));
}

}  // namespace
}  // namespace referent::kernels
