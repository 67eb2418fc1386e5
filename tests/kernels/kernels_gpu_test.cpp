// SPDX-License-Identifier: Apache-2.0
// The kernels on a GPU against the formula in double. Skipped where no GPU answers.
#include <gtest/gtest.h>

#include <cstring>

#include "kernels/backward_problem.h"
#include "kernels/conditional_conv2d/conditional_conv2d.h"
#include "kernels/conditional_linear/conditional_linear.h"
#include "kernels/conv2d_problem.h"
#include "kernels/device.h"
#include "kernels/inference/inference.h"
#include "kernels/inference_problems.h"
#include "kernels/linear_problem.h"

namespace referent::kernels {
namespace {

template <class Buffer>
bool equal_bits(const Buffer& a, const Buffer& b) {
  return a.size() == b.size() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(a[0])) == 0);
}

/// Runs `launch` twice on the device; the outputs' bits must agree.
template <class Problem, class Launch, class... Outputs>
void run_twice(Problem& problem, Launch launch, Outputs&... outputs) {
  DeviceBuffers device;
  const auto params = problem.params([&](auto& buffer) { return device.at(buffer); });
  check(launch(params));
  (device.fetch(outputs), ...);
  const auto first = std::make_tuple(outputs...);
  check(launch(params));
  (device.fetch(outputs), ...);
  const auto again = std::tie(outputs...);
  std::apply(
      [&](const auto&... before) {
        std::apply(
            [&](const auto&... after) {
              EXPECT_TRUE((equal_bits(before, after) && ...)) << "two runs differ";
            },
            again);
      },
      first);
  EXPECT_LE(problem.worst_error(), 1.0);
}

class OnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = reason_without_gpu();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }
};

template <class Math>
class KernelsOnGpu : public OnGpu {};
using Maths = ::testing::Types<BFloat16Math, Float16Math, Tf32Math, Float32Math>;
TYPED_TEST_SUITE(KernelsOnGpu, Maths);

TYPED_TEST(KernelsOnGpu, ConditionalLinearForward) {
  for (const LinearCase& c : {LinearCase{2, 70, 96, 136, 64, 0, false, 1, false},
                              LinearCase{3, 5, 40, 8, 32, 0, false, 0, true},
                              LinearCase{2, 9, 72, 24, 40, 56, false, 3, true},
                              LinearCase{1, 65, 8, 132, 16, 200, true, 2, false},
                              LinearCase{2, 66, 64, 136, 32, 0, true, 1, true},
                              LinearCase{2, 7, 24, 20, 48, 0, true, 0, true},
                              LinearCase{1, 3, 37, 12, 64, 0, false, 2, true},
                              LinearCase{3, 100, 256, 256, 64, 256, false, 1, true},
                              LinearCase{2, 196, 256, 768, 32, 0, true, 1, false},
                              // Enough blocks for the path of compute capability 9.0.
                              LinearCase{9, 200, 290, 1288, 64, 0, false, 1, true},
                              LinearCase{9, 200, 72, 1288, 24, 136, false, 3, false},
                              LinearCase{5, 130, 64, 1800, 32, 0, true, 2, true},
                              LinearCase{5, 130, 37, 1800, 48, 24, true, 0, true}}) {
    if (TypeParam::kParts == 2 && c.rank > kMostRankInParts) continue;
    SCOPED_TRACE(name_of(c));
    LinearProblem<TypeParam> problem(c);
    run_twice(
        problem,
        [](const ConditionalLinearParams& params) {
          return launch_conditional_linear_forward(params, nullptr);
        },
        problem.y, problem.low);
  }
}

TYPED_TEST(KernelsOnGpu, LowRankBackward) {
  for (const BackwardCase& c :
       {BackwardCase{2, 70, 136, 64, false, true}, BackwardCase{2, 5, 20, 40, false, false},
        BackwardCase{3, 64, 40, 32, false, true}, BackwardCase{1, 65, 72, 64, true, true},
        BackwardCase{1, 3, 12, 48, true, false}, BackwardCase{2, 70, 96, 24, true, true},
        BackwardCase{1, 2, 37, 8, false, true}, BackwardCase{2, 400, 512, 64, false, true},
        BackwardCase{2, 196, 768, 32, true, true}}) {
    SCOPED_TRACE(name_of(c));
    BackwardProblem<TypeParam> problem(c);
    run_twice(
        problem,
        [](const LowRankBackwardParams& params) {
          return launch_low_rank_backward(params, nullptr);
        },
        problem.low_gradient, problem.scaled_low, problem.core_gradient);
  }
}

TYPED_TEST(KernelsOnGpu, ConditionalConv2dForward) {
  for (const Conv2dCase& c : {Conv2dCase{2, 6, 7, 40, 136, 64, 3, 3, true, true, true},
                              Conv2dCase{1, 1, 3, 8, 264, 64, 3, 3, true, true, false},
                              Conv2dCase{3, 5, 5, 72, 12, 24, 1, 1, false, false, true},
                              Conv2dCase{1, 4, 17, 8, 8, 40, 5, 3, false, true, false},
                              Conv2dCase{2, 20, 20, 128, 256, 64, 3, 3, true, true, true}}) {
    SCOPED_TRACE(name_of(c));
    Conv2dProblem<TypeParam> problem(c);
    run_twice(
        problem,
        [](const ConditionalConv2dParams& params) {
          return launch_conditional_conv2d_forward(params, nullptr);
        },
        problem.y, problem.low);
  }
}

TYPED_TEST(KernelsOnGpu, EmptyProblemsDoNothing) {
  LinearProblem<TypeParam> problem({1, 3, 8, 8, 8, 0, false, 0, false});
  DeviceBuffers device;
  auto params = problem.params([&](auto& buffer) { return device.at(buffer); });
  params.tokens = 0;
  EXPECT_EQ(launch_conditional_linear_forward(params, nullptr), cudaSuccess);
  params.tokens = 3;
  params.rank = 65;
  EXPECT_EQ(launch_conditional_linear_forward(params, nullptr), cudaErrorNotSupported);
}

/// As the first run_twice, of a problem that lists its outputs.
template <class Problem, class Launch>
void run_twice(Problem problem, Launch launch) {
  std::apply([&](auto&... outputs) { run_twice(problem, launch, outputs...); }, problem.outputs());
}

template <class T>
class InferenceOnGpu : public OnGpu {};
using Halves = ::testing::Types<BFloat16, Half>;
TYPED_TEST_SUITE(InferenceOnGpu, Halves);

TYPED_TEST(InferenceOnGpu, SumsAndNorms) {
  for (const int width : {256, 512, 768, 1024}) {
    for (const bool sum_wanted : {true, false}) {
      run_twice(AddLayerNormProblem<TypeParam>{9, width, sum_wanted},
                [](const auto& params) { return launch_add_layer_norm(params, nullptr); });
    }
  }
}

TYPED_TEST(InferenceOnGpu, Maxima) {
  const auto launch = [](const auto& params) { return launch_max_pool(params, nullptr); };
  run_twice(MaxPoolProblem<TypeParam>{2, 6, 8, 16}, launch);
  run_twice(MaxPoolProblem<TypeParam>{1, 77, 55, 64}, launch);
  run_twice(MaxPoolProblem<float>{1, 7, 5, 24}, launch);
}

TYPED_TEST(InferenceOnGpu, Gates) {
  const auto launch = [](const auto& params) { return launch_gates(params, nullptr); };
  for (const GateCase& c : {GateCase{2, 21, 64, 72, 64, 32, 16, true, 2},
                            {3, 400, 2048, 768, 256, 128, 64, false, 1},
                            {1, 70, 24, 8, 12, 20, 3, true, 1}}) {
    run_twice(GateProblem<TypeParam>(c), launch);
    run_twice(GateProblem<float>(c), launch);
  }
}

TYPED_TEST(InferenceOnGpu, BlocksOfPixels) {
  const auto launch = [](const auto& params) { return launch_blocks(params, nullptr); };
  run_twice(BlocksProblem<TypeParam>{2, 9, 12, 3, 8, 9}, launch);
  run_twice(BlocksProblem<TypeParam>{1, 1, 1, 4, 5, 5}, launch);
}

TYPED_TEST(InferenceOnGpu, ScaledBottlenecks) {
  run_twice(ScaledBottleneckProblem<TypeParam>{3, 1000, 64},
            [](const auto& params) { return launch_scaled_bottleneck(params, nullptr); });
}

TYPED_TEST(InferenceOnGpu, RelativeFeatures) {
  const auto launch = [](const auto& params) { return launch_relative_features(params, nullptr); };
  run_twice(RelativeFeaturesProblem<TypeParam>(2, 4, 6, 2, 3, 16), launch);
  run_twice(RelativeFeaturesProblem<TypeParam>(2, 28, 28, 14, 12, 64), launch);
}

}  // namespace
}  // namespace referent::kernels
