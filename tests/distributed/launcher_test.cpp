// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "group.h"
#include "support/temporary_folder.h"

namespace referent::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LauncherTest : public ::testing::Test {
 protected:
  static std::unique_ptr<Process> launch(int size, Words words) {
    words.insert(words.begin(), {"launch", std::to_string(size)});
    return start_worker(words, {});
  }

  static void expect_gone(const std::vector<int>& processes) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(wait_until([&] { return std::ranges::all_of(processes, is_gone); }));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    fmt::print("0 orphans after {:.2f} s\n", took.count());
    EXPECT_LE(took.count(), 5);
  }

  TemporaryFolder folder_;
};

TEST_F(LauncherTest, OnlyRankZerosOutputIsPassedOn) {
  const ProcessResult result = launch(3, {"exchange"})->wait();
  EXPECT_THAT(result, Ends(0));
  EXPECT_EQ(result.out, "done\n");
}

TEST_F(LauncherTest, LinesOnStandardErrorHaveTheRankInFront) {
  const ProcessResult result = launch(2, {"agree", "a", "b"})->wait();
  EXPECT_THAT(result, Ends(2));
  EXPECT_THAT(result.err, AllOf(HasSubstr("[0] error: rank 1 differs from rank 0"),
                                HasSubstr("[1] error: rank 1 differs from rank 0")));
}

TEST_F(LauncherTest, ReturnsTheStatusOfTheRankThatFailedFirst) {
  const ProcessResult result = launch(3, {"loop", folder_.path(), "1", "throw"})->wait();
  EXPECT_THAT(result, Ends(3));
  EXPECT_THAT(result.err, AllOf(HasSubstr("[0] error: rank 1 failed: picture.jpg is torn"),
                                HasSubstr("rank 1 failed first: it ended with status 3")));
  expect_gone(wait_for_notes(folder_.path(), 3));
}

TEST_F(LauncherTest, EndsTheOthersWhenOneIsKilled) {
  const auto launcher = launch(3, {"loop", folder_.path()});
  const std::vector<int> workers = wait_for_notes(folder_.path(), 3);
  ::kill(workers[1], SIGKILL);
  const ProcessResult result = launcher->wait();
  EXPECT_THAT(result, Ends(128 + SIGKILL));
  EXPECT_THAT(result.err, AllOf(HasSubstr("rank 1 (process " + std::to_string(workers[1]) +
                                          ") was "
                                          "ended by signal 9"),
                                HasSubstr("[0] error: rank 1 vanished"),
                                HasSubstr("[2] error: rank 1 vanished")));
  expect_gone(workers);
}

TEST_F(LauncherTest, EndsAStoppedOneToo) {
  const auto launcher = launch(3, {"loop", folder_.path()});
  const std::vector<int> workers = wait_for_notes(folder_.path(), 3);
  ::kill(workers[2], SIGSTOP);
  ::kill(workers[1], SIGKILL);
  EXPECT_THAT(launcher->wait(), Ends(128 + SIGKILL));
  expect_gone(workers);
}

TEST_F(LauncherTest, LeavesNothingBehindWhenItIsKilled) {
  const auto launcher = launch(3, {"loop", folder_.path()});
  const std::vector<int> workers = wait_for_notes(folder_.path(), 3);
  launcher->send(SIGKILL);
  EXPECT_EQ(launcher->wait().signal, SIGKILL);
  expect_gone(workers);
}

TEST_F(LauncherTest, PassesSignalsOn) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    const TemporaryFolder folder;
    const auto launcher = launch(2, {"loop", folder.path()});
    const std::vector<int> workers = wait_for_notes(folder.path(), 2);
    launcher->send(signal);
    const ProcessResult result = launcher->wait();
    EXPECT_THAT(result, Ends(128 + signal));
    // It did as it was told: no failure.
    EXPECT_THAT(result.err, Not(HasSubstr("failed first")));
    expect_gone(workers);
  }
}

}  // namespace
}  // namespace referent::testing
