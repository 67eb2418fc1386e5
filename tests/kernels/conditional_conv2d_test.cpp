// SPDX-License-Identifier: Apache-2.0
// The convolution kernel's own body, run thread by thread on the CPU.
#include "kernels/conditional_conv2d/forward_body.h"

#include <gtest/gtest.h>

#include "kernels/conv2d_problem.h"
#include "kernels/emulator.h"

namespace referent::kernels {
namespace {

template <class Math>
void run_case(const Conv2dCase& c) {
  SCOPED_TRACE(name_of(c));
  constexpr int kRank = 64;
  Conv2dProblem<Math> problem(c);
  EmulatedMemory memory;
  for (auto* input : {&problem.x, &problem.down_weight, &problem.down_bias, &problem.core,
                      &problem.up_weight, &problem.up_bias, &problem.residual}) {
    memory.add_input(*input);
  }
  memory.add_output(problem.y);
  memory.add_output(problem.low);
  const ConditionalConv2dParams params =
      problem.params([](auto& buffer) { return static_cast<void*>(buffer.data()); });
  using Kernel = ConditionalConv2dForward<EmulatedMachine, Math, kRank>;
  EmulatedBlock block(kThreads, Conv2dLayout<Math, kRank>::kBytes, memory);
  for (int i = 0; i < Kernel::row_map(params).tiles(); ++i) {
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
class ConditionalConv2dEmulation : public ::testing::Test {};
using Maths = ::testing::Types<BFloat16Math, Float16Math, Tf32Math, Float32Math>;
TYPED_TEST_SUITE(ConditionalConv2dEmulation, Maths);

TYPED_TEST(ConditionalConv2dEmulation, ReleasedForm) {
  run_case<TypeParam>({2, 6, 7, 40, 136, 64, 3, 3, true, true, true});
  run_case<TypeParam>({1, 1, 3, 8, 264, 64, 3, 3, true, true, false});
}

TYPED_TEST(ConditionalConv2dEmulation, OtherKernelsAndRanks) {
  run_case<TypeParam>({3, 5, 5, 72, 12, 24, 1, 1, false, false, true});
  run_case<TypeParam>({1, 4, 17, 8, 8, 40, 5, 3, false, true, false});
}

}  // namespace
}  // namespace referent::kernels
