// SPDX-License-Identifier: Apache-2.0
// The forward kernel's own body, run thread by thread on the CPU.
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/conditional_linear/forward_body.h"
#include "kernels/emulator.h"
#include "kernels/linear_problem.h"

namespace referent::kernels {
namespace {

template <class Math, int kRank>
void run_case(const LinearCase& c) {
  SCOPED_TRACE(name_of(c));
  LinearProblem<Math> problem(c);
  EmulatedMemory memory;
  for (auto* input : {&problem.x, &problem.z, &problem.weight, &problem.q, &problem.p,
                      &problem.core, &problem.bias}) {
    memory.add_input(*input);
  }
  memory.add_output(problem.y);
  memory.add_output(problem.low);
  const ConditionalLinearParams params =
      problem.params([](auto& buffer) { return static_cast<void*>(buffer.data()); });
  using Kernel = ConditionalLinearForward<EmulatedMachine, Math, kRank>;
  EmulatedBlock block(kThreads, LinearLayout<Math, kRank>::bytes(c.dense), memory);
  for (int i = 0; i < Kernel::blocks(params); ++i) {
    block.run(i, [&](int thread) {
      EmulatedMachine machine(block, thread);
      Kernel(machine, params).run();
    });
  }
  EXPECT_LE(problem.worst_error(), 1.0);
  for (auto* output : {&problem.y, &problem.low}) {
    EXPECT_TRUE(memory.wrote_once(output->data())) << "every output element is written once";
  }
  EXPECT_EQ(block.ldmatrix_passes(), 1);
}

template <class Math>
class ConditionalLinearEmulation : public ::testing::Test {};
using Maths = ::testing::Types<BFloat16Math, Float16Math, Tf32Math, Float32Math>;
TYPED_TEST_SUITE(ConditionalLinearEmulation, Maths);

TYPED_TEST(ConditionalLinearEmulation, JointDiagonal) {
  run_case<TypeParam, 64>({2, 70, 96, 136, 64, 0, false, 1, false});
  run_case<TypeParam, 32>({3, 5, 40, 8, 32, 0, false, 0, true});
}

TYPED_TEST(ConditionalLinearEmulation, OwnLowRankInput) {
  run_case<TypeParam, 64>({2, 9, 72, 24, 40, 56, false, 3, true});
  run_case<TypeParam, 32>({1, 65, 8, 132, 16, 200, true, 2, false});
}

TYPED_TEST(ConditionalLinearEmulation, Dense) {
  run_case<TypeParam, 32>({2, 66, 64, 136, 32, 0, true, 1, true});
  run_case<TypeParam, 64>({2, 7, 24, 20, 48, 0, true, 0, true});
}

TYPED_TEST(ConditionalLinearEmulation, LengthsThatEndInsideAChunk) {
  run_case<TypeParam, 64>({1, 3, 37, 12, 64, 0, false, 2, true});
  run_case<TypeParam, 32>({1, 2, 1, 4, 8, 3, true, 1, true});
}

}  // namespace
}  // namespace referent::kernels
