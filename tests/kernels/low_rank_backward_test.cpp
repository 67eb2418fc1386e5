// SPDX-License-Identifier: Apache-2.0
// The backward kernels' own bodies, run thread by thread on the CPU.
#include <gtest/gtest.h>

#include "kernels/backward_problem.h"
#include "kernels/conditional_linear/backward_body.h"
#include "kernels/emulator.h"

namespace referent::kernels {
namespace {

template <class Math, int kRank>
void run_case(const BackwardCase& c) {
  SCOPED_TRACE(name_of(c));
  BackwardProblem<Math> problem(c);
  EmulatedMemory memory;
  for (auto* input : {&problem.y_gradient, &problem.p, &problem.low, &problem.core}) {
    memory.add_input(*input);
  }
  for (auto* output : {&problem.low_gradient, &problem.scaled_low, &problem.core_gradient}) {
    memory.add_output(*output);
  }
  memory.add_output(problem.workspace);
  const LowRankBackwardParams params =
      problem.params([](auto& buffer) { return static_cast<void*>(buffer.data()); });
  using Kernel = LowRankBackward<EmulatedMachine, Math, kRank>;
  EmulatedBlock block(kThreads, BackwardLayout<Math, kRank>::bytes(c.dense), memory);
  for (int i = 0; i < Kernel::row_map(params).tiles(); ++i) {
    block.run(i, [&](int thread) {
      EmulatedMachine machine(block, thread);
      Kernel(machine, params).run();
    });
  }
  using Sum = CoreGradientSum<EmulatedMachine, typename Math::Storage>;
  EmulatedBlock sum_block(kThreads, 0, memory);
  for (int i = 0; i < Sum::blocks(params); ++i) {
    sum_block.run(i, [&](int thread) {
      EmulatedMachine machine(sum_block, thread);
      Sum::run(machine, params);
    });
  }
  EXPECT_LE(problem.worst_error(), 1.0);
  for (const void* output : {static_cast<const void*>(problem.low_gradient.data()),
                             static_cast<const void*>(problem.scaled_low.data()),
                             static_cast<const void*>(problem.core_gradient.data()),
                             static_cast<const void*>(problem.workspace.data())}) {
    EXPECT_TRUE(memory.wrote_once(output)) << "every output element is written once";
  }
  EXPECT_EQ(block.ldmatrix_passes(), 1);
}

template <class Math>
class LowRankBackwardEmulation : public ::testing::Test {};
using Maths = ::testing::Types<BFloat16Math, Float16Math, Tf32Math, Float32Math>;
TYPED_TEST_SUITE(LowRankBackwardEmulation, Maths);

TYPED_TEST(LowRankBackwardEmulation, Diagonal) {
  run_case<TypeParam, 64>({2, 70, 136, 64, false, true});
  run_case<TypeParam, 64>({2, 5, 20, 40, false, false});
  run_case<TypeParam, 32>({3, 64, 40, 32, false, true});
}

TYPED_TEST(LowRankBackwardEmulation, Dense) {
  run_case<TypeParam, 64>({1, 65, 72, 64, true, true});
  run_case<TypeParam, 64>({1, 3, 12, 48, true, false});
  run_case<TypeParam, 32>({2, 70, 96, 24, true, true});
}

TYPED_TEST(LowRankBackwardEmulation, LengthsThatEndInsideAChunk) {
  run_case<TypeParam, 32>({1, 2, 37, 8, false, true});
  run_case<TypeParam, 32>({1, 1, 1, 8, true, true});
}

}  // namespace
}  // namespace referent::kernels
