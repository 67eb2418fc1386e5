// SPDX-License-Identifier: Apache-2.0
// The wgmma kernel's own body, run thread by thread on the CPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "kernels/hopper_emulator.h"
#include "kernels/linear_problem.h"

namespace referent::kernels::hopper {
namespace {

template <class Math, int kRank>
void run_case(const LinearCase& c) {
  for (const Landing landing : {Landing::kEarly, Landing::kLate}) {
    SCOPED_TRACE(name_of(c) + (landing == Landing::kEarly ? ", early" : ", late"));
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
    std::array<TileMap, kOperands> maps;
    for (int i = 0; i < kOperands; ++i) {
      maps[static_cast<std::size_t>(i)] = tile_map(params, static_cast<Operand>(i), kRank);
    }
    HopperBlock block(LinearLayout<kRank>::kBytes, memory, maps, landing);
    for (int i = 0; i < blocks(params); ++i) {
      block.run(i, [&](int thread) {
        EmulatedHopperMachine machine(block, thread);
        ConditionalLinearForward<EmulatedHopperMachine, Math, kRank>(machine, params).run();
      });
    }
    EXPECT_LE(problem.worst_error(), 1.0);
    for (auto* output : {&problem.y, &problem.low}) {
      EXPECT_TRUE(memory.wrote_once(output->data())) << "every output element is written once";
    }
  }
}

template <class Math>
class HopperLinearEmulation : public ::testing::Test {};
using Maths = ::testing::Types<BFloat16Math, Float16Math>;
TYPED_TEST_SUITE(HopperLinearEmulation, Maths);

TYPED_TEST(HopperLinearEmulation, Diagonal) {
  run_case<TypeParam, 64>({3, 50, 290, 264, 64, 0, false, 1, true});
  run_case<TypeParam, 64>({2, 60, 160, 24, 40, 0, false, 0, false});  // the last slot is the first
  run_case<TypeParam, 32>({2, 9, 72, 24, 24, 136, false, 3, false});
}

TYPED_TEST(HopperLinearEmulation, Dense) {
  run_case<TypeParam, 32>({2, 130, 64, 40, 32, 0, true, 2, true});
  run_case<TypeParam, 64>({1, 5, 37, 8, 48, 24, true, 0, true});
}

TEST(HopperTileTest, SwizzleIsAPermutationThatSpreadsBanks) {
  std::set<int> seen;
  for (int row = 0; row < 64; ++row) {
    for (int column = 0; column < kStep; column += 8) seen.insert(element_offset(row, column));
  }
  EXPECT_EQ(seen.size(), 64u * 8);
  EXPECT_EQ(*seen.rbegin(), tile_bytes(64) - kChunkBytes);
  for (int column = 0; column < kStep; column += 8) {
    std::set<int> banks;  // of the pairs that a warp stores at once
    for (int lane = 0; lane < 32; ++lane) {
      banks.insert(element_offset(sum_row(lane, 0), column + accumulator_column(lane)) / 4 % 32);
    }
    EXPECT_EQ(banks.size(), 32u);
  }
}

TEST(HopperTileTest, SharedMemoryFits) {
  EXPECT_LE(LinearLayout<64>::kBytes, 227 * 1024);
  EXPECT_LE(LinearLayout<32>::kBytes, 227 * 1024);
}

}  // namespace
}  // namespace referent::kernels::hopper
