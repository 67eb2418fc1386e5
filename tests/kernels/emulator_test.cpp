// SPDX-License-Identifier: Apache-2.0
// The emulator must notice what it is trusted to notice.
#include "kernels/emulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/common/tile.h"
#include "kernels/problem.h"

namespace referent::kernels {
namespace {

/// Runs one block of a warp; returns what it complained about.
std::string complaint(const std::function<void(EmulatedMachine&)>& body,
                      EmulatedMemory memory = {}) {
  EmulatedBlock block(32, 1024, memory);
  try {
    block.run(0, [&](int thread) {
      EmulatedMachine machine(block, thread);
      body(machine);
    });
  } catch (const EmulationError& error) {
    return error.what();
  }
  return "";
}

TEST(EmulatorTest, NoticesRaces) {
  const auto exchange = [](bool barrier) {
    return [barrier](EmulatedMachine& machine) {
      machine.store_shared(4 * machine.thread(), machine.thread());
      if (barrier) machine.sync();
      const int neighbour = machine.load_shared<int>(4 * (machine.thread() ^ 1));
      EXPECT_EQ(neighbour, machine.thread() ^ 1);
    };
  };
  EXPECT_EQ(complaint(exchange(true)), "");
  EXPECT_THAT(complaint(exchange(false)), ::testing::AnyOf(::testing::HasSubstr("race"),
                                                           ::testing::HasSubstr("never written")));
  EXPECT_THAT(complaint([](EmulatedMachine& machine) {
                machine.store_shared(4 * machine.thread(), 1);
                machine.sync();
                machine.load_shared<int>(0);
                machine.store_shared(0, 2);
              }),
              ::testing::HasSubstr("race"));
}

TEST(EmulatorTest, SumsOverAWarpWantEveryLane) {
  EXPECT_EQ(complaint([](EmulatedMachine& machine) {
              EXPECT_EQ(machine.warp_sum(static_cast<float>(machine.thread())), 31 * 32 / 2);
            }),
            "");
  EXPECT_THAT(complaint([](EmulatedMachine& machine) {
                if (machine.thread() != 7) machine.warp_sum(1);
              }),
              ::testing::HasSubstr("deadlock"));
}

TEST(EmulatorTest, CopiesLandWhenWaitedForAndSynchronised) {
  Buffer<float> source = random_values<float>(128, 1);
  EmulatedMemory memory;
  memory.add_input(source);
  const auto copy = [&](bool wait) {
    return [&, wait](EmulatedMachine& machine) {
      machine.copy_chunk(16 * machine.thread(),
                         &source[static_cast<std::size_t>(4 * machine.thread())], 8);
      machine.commit_copies();
      if (wait) machine.wait_copies<0>();
      machine.sync();
      const auto value = machine.load_shared<Vector<float, 4>>(16 * machine.thread());
      const bool arrived =
          value.values[0] == source[static_cast<std::size_t>(4 * machine.thread())];
      EXPECT_EQ(arrived, wait);
      if (wait) {
        EXPECT_EQ(value.values[2], 0.0F) << "the rest of a chunk is zero";
      }
    };
  };
  EXPECT_EQ(complaint(copy(true), memory), "");
  EXPECT_EQ(complaint(copy(false), memory), "");
}

TEST(EmulatorTest, NoticesBadAddressesAndDivergence) {
  Buffer<float> source(32);
  EmulatedMemory memory;
  memory.add_input(source);
  EXPECT_THAT(complaint([](EmulatedMachine& machine) { machine.store_shared(1022, 1); }),
              ::testing::HasSubstr("unaligned"));
  EXPECT_THAT(complaint([](EmulatedMachine& machine) { machine.store_shared(1024, 1); }),
              ::testing::HasSubstr("shared access at 1024"));
  EXPECT_THAT(
      complaint([&](EmulatedMachine& machine) { machine.load_global<float>(source.data() + 32); },
                memory),
      ::testing::HasSubstr("outside"));
  EXPECT_THAT(
      complaint([&](EmulatedMachine& machine) { machine.store_global(source.data(), 1.0F); },
                memory),
      ::testing::HasSubstr("write to an input"));
  EXPECT_THAT(complaint([](EmulatedMachine& machine) {
                if (machine.thread() != 5) machine.sync();
              }),
              ::testing::HasSubstr("deadlock"));
}

TEST(EmulatorTest, CountsBankConflicts) {
  EmulatedMemory memory;
  EmulatedBlock block(32, 1024, memory);
  block.run(0, [&](int thread) {
    EmulatedMachine machine(block, thread);
    for (int i = 0; i < 8; ++i) machine.store_shared(4 * (8 * thread + i), 0);
    machine.sync();
    std::uint32_t out[4];
    machine.ldmatrix(out, thread % 8 * 128);
  });
  EXPECT_EQ(block.ldmatrix_passes(), 8);
}

}  // namespace
}  // namespace referent::kernels
