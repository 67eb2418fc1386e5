// SPDX-License-Identifier: Apache-2.0
// Trainings whose disk becomes full: they end with status 6, keep what they had saved, leave no
// unfinished file, and go on once there is room.
#include "e2e/processes.h"
#include "e2e/trials.h"
#include "referent/core/error.h"
#include "support/tmpfs.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kFull = "No space left on device";

class FullDiskTest : public StatefulTraining, public ::testing::WithParamInterface<int> {
 protected:
  /// Rank 0, which writes, says what is wrong; the others, that it does.
  static void expect_full(const std::vector<ProcessResult>& results, const Words& said = {}) {
    Words words{kFull};
    words.insert(words.end(), said.begin(), said.end());
    EXPECT_THAT(results.front(), Fails(6, words));
    for (std::size_t rank = 1; rank < results.size(); ++rank) {
      EXPECT_THAT(results[rank], Fails(7, {"rank 0", kFull}));
    }
  }

  /// Every checkpoint there is can be read; how many there are.
  std::size_t expect_sound(const std::string& name) const {
    EXPECT_THAT(unfinished(run(name)), IsEmpty());
    Words words{"checkpoint", "verify"};
    for (const std::string& file : entries(run(name) / "checkpoints")) {
      words.push_back(run(name) / "checkpoints" / file);
    }
    const std::size_t checkpoints = words.size() - 2;
    if (checkpoints > 0) {
      EXPECT_THAT(referent(words), ExitsWith(0));
    }
    return checkpoints;
  }
};

/// The same on a small disk of memory.
class SmallDiskTest : public FullDiskTest {
 protected:
  void SetUp() override {
    if (!disk_.why_not().empty()) GTEST_SKIP() << disk_.why_not();
  }

  Path disk() const { return folder_.path() / "disk"; }

  Path make_folder() const {
    fs::create_directories(disk());
    return disk();
  }
  Tmpfs disk_{make_folder(), "48m"};  // two checkpoints
};

TEST_P(SmallDiskTest, ByItsOwnCheckpoints) {
  const Words more{"--set", "train.keep_every_steps=1", "--set", "train.save_every_steps=2",
                   "--resume"};
  const Outcome unbroken = finish("unbroken", GetParam(), more);
  const std::string name = "disk/run";
  expect_full(Processes(GetParam(), train(name, more)).wait(), {run(name) / "checkpoints"});
  const std::size_t checkpoints = expect_sound(name);
  EXPECT_GE(checkpoints, 1U);
  ASSERT_TRUE(disk_.resize("1g"));
  EXPECT_EQ(finish(name, GetParam(), more), unbroken);
  fmt::print(
      "{} processes, disk filled by checkpoints: status 6, {} checkpoints sound, 0 "
      "unfinished files, resumed as unbroken\n",
      GetParam(), checkpoints);
}

INSTANTIATE_TEST_SUITE_P(OnProcesses, SmallDiskTest, ::testing::Values(1, 2),
                         ::testing::PrintToStringParamName());

/// One call of every kind on every kind of file, from the middle of those that the run makes.
std::vector<Call> one_of_each(const std::vector<Call>& calls) {
  std::map<std::string, std::vector<Call>> kinds;
  for (const Call& call : calls) {
    if (call.kind == "unlink" || call.kind == "remove") continue;  // they need no space
    std::string kind = call.kind + " " + call.name;
    std::erase_if(kind, [](char c) { return c >= '0' && c <= '9'; });
    kinds[kind].push_back(call);
  }
  std::vector<Call> chosen;
  for (const auto& [kind, all] : kinds) chosen.push_back(all[all.size() / 2]);
  return chosen;
}

TEST_P(FullDiskTest, AtEveryKindOfCall) {
  const Words more{"--set", "train.max_steps=4",        "--set",   "train.save_every_steps=1",
                   "--set", "train.eval_every_steps=1", "--resume"};
  const std::vector<Call> calls = one_of_each(calls_of(train("calls", more), run("calls")));
  const Outcome unbroken = finish("unbroken", GetParam(), more);
  Words kinds;
  for (std::size_t i = 0; i < calls.size(); i += static_cast<std::size_t>(trials(5, 1))) {
    const Call& call = calls[i];
    const std::string name = fmt::format("full-{}", call.number);
    const auto failing = [&](int rank) {
      ProcessStart start{train(name, more)};
      if (rank == 0) {
        start.environment = faults(run(name), {{"FAULT_FIRST", std::to_string(call.number)},
                                               {"FAULT_ERRNO", std::to_string(ENOSPC)}});
      }
      return start;
    };
    SCOPED_TRACE(call.kind + " " + call.name);
    expect_full(Processes(GetParam(), failing).wait(), {run(name)});
    expect_sound(name);
    EXPECT_EQ(finish(name, GetParam(), more), unbroken);
    kinds.push_back(call.kind + " " + call.name);
  }
  EXPECT_THAT(kinds, Not(IsEmpty()));
  fmt::print(
      "{} processes, disk full at {} of {} kinds of calls: status 6, all checkpoints sound, 0 "
      "unfinished files, resumed as unbroken: {}\n",
      GetParam(), kinds.size(), calls.size(), fmt::join(kinds, ", "));
}

INSTANTIATE_TEST_SUITE_P(OnProcesses, FullDiskTest, ::testing::Values(1, 2),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace referent::testing
