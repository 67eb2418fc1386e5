// SPDX-License-Identifier: Apache-2.0
// One of three ranks comes to grief: all end soon, and say who was first.
#include <csignal>
#include <fstream>

#include "group.h"
#include "support/memory_group.h"
#include "support/temporary_folder.h"

namespace referent::testing {
namespace {

using Clock = std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr int kSize = 3;
constexpr double kAllGone = 5;  // [s]
constexpr int kTimeout = 4;     // [s]

class FailureTest : public ::testing::TestWithParam<int> {
 protected:
  TemporaryFolder folder_;
};

/// All ranks but `out`.
std::vector<ProcessResult> survivors(Group& group, int out) {
  std::vector<ProcessResult> results;
  for (int rank = 0; rank < kSize; ++rank) {
    if (rank != out) results.push_back(group[rank].wait());
  }
  return results;
}

TEST_P(FailureTest, Killed) {
  for (const char* scenario : {"loop", "failing-backward"}) {
    const TemporaryFolder folder;
    Group group(kSize, {scenario, folder.path()});
    wait_for_notes(folder.path(), kSize);
    const auto start = Clock::now();
    group[GetParam()].send(SIGKILL);
    const auto results = survivors(group, GetParam());
    const std::chrono::duration<double> took = Clock::now() - start;
    fmt::print("kill -9 of rank {} in {}: all gone after {:.2f} s\n", GetParam(), scenario,
               took.count());
    EXPECT_LE(took.count(), kAllGone);
    EXPECT_THAT(results, Each(Ends(7)));
    for (const ProcessResult& result : results) {
      EXPECT_THAT(result.err, HasSubstr(fmt::format("rank {} ", GetParam())));
    }
  }
}

TEST_P(FailureTest, KilledByTheSystemForLackOfMemory) {
  const MemoryGroup memory(std::size_t{64} << 20);
  if (!memory.why_not().empty()) GTEST_SKIP() << memory.why_not();
  Group group(kSize, {"loop", folder_.path(), std::to_string(GetParam()), "eat"});
  wait_for_notes(folder_.path(), kSize);
  ASSERT_TRUE(memory.take(group[GetParam()].id()));
  std::ofstream(folder_.path() / "eat").close();
  EXPECT_EQ(group[GetParam()].wait().signal, SIGKILL);
  const auto start = Clock::now();
  const auto results = survivors(group, GetParam());
  const std::chrono::duration<double> took = Clock::now() - start;
  fmt::print("rank {} killed for lack of memory: all gone after {:.2f} s\n", GetParam(),
             took.count());
  EXPECT_LE(took.count(), kAllGone);
  EXPECT_THAT(results, Each(Ends(7)));
  for (const ProcessResult& result : results) {
    EXPECT_THAT(result.err, HasSubstr(fmt::format("rank {} ", GetParam())));
  }
}

TEST_P(FailureTest, Stopped) {
  Group group(kSize, {"loop", folder_.path()}, {{"TEST_TIMEOUT", std::to_string(kTimeout)}});
  wait_for_notes(folder_.path(), kSize);
  const auto start = Clock::now();
  group[GetParam()].send(SIGSTOP);
  const auto results = survivors(group, GetParam());
  const std::chrono::duration<double> took = Clock::now() - start;
  fmt::print("SIGSTOP of rank {}: the others gone after {:.2f} s, timeout {} s\n", GetParam(),
             took.count(), kTimeout);
  EXPECT_LE(took.count(), kTimeout + kAllGone);
  EXPECT_THAT(results, Each(Ends(7)));
  for (const ProcessResult& result : results) {
    EXPECT_THAT(result.err, HasSubstr(fmt::format("rank {} ", GetParam())));
  }
}

TEST_P(FailureTest, Throws) {
  Group group(kSize, {"loop", folder_.path(), std::to_string(GetParam()), "throw"});
  wait_for_notes(folder_.path(), kSize);
  const auto start = Clock::now();
  for (int rank = 0; rank < kSize; ++rank) {
    const ProcessResult result = group[rank].wait();
    EXPECT_THAT(result, Ends(rank == GetParam() ? 3 : 7));
    EXPECT_THAT(result.err, HasSubstr("picture.jpg is torn"));
    if (rank == GetParam()) continue;
    EXPECT_THAT(result.err, HasSubstr(fmt::format("rank {} failed", GetParam())));
  }
  const std::chrono::duration<double> took = Clock::now() - start;
  fmt::print("rank {} throws: all gone after {:.2f} s\n", GetParam(), took.count());
  EXPECT_LE(took.count(), kAllGone);
}

INSTANTIATE_TEST_SUITE_P(OfRank, FailureTest, ::testing::Values(0, 1),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace referent::testing
