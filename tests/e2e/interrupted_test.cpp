// SPDX-License-Identifier: Apache-2.0
// Runs that are stopped and go on end with the bits of one that never was.
#include <algorithm>
#include <csignal>
#include <random>

#include "e2e/processes.h"
#include "e2e/trials.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::Each;
using ::testing::IsEmpty;

/// SIGKILL comes right after the first checkpoint of that step or a later one, others after the
/// step.
struct Stop {
  int signal = 0;
  std::ptrdiff_t step = 0;
};

class InterruptedTest : public StatefulTraining, public ::testing::WithParamInterface<int> {
 protected:
  /// Six epochs of ten steps, with batch norms that learn as well.
  Words words(const Words& more = {}) const {
    Words all{"--set", "train.epochs=6",
              "--set", "train.save_every_steps=3",
              "--set", "model.visual_encoder.backbone.normalisation=batch"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  /// The newest checkpoint's step; 0 without any.
  std::ptrdiff_t saved_step(const std::string& name) const {
    const Path folder = run(name) / "checkpoints";
    if (!fs::exists(folder)) return 0;
    std::ptrdiff_t newest = 0;
    for (const std::string& file : entries(folder)) {
      if (file.ends_with(".safetensors")) newest = std::max(newest, std::stol(file.substr(5)));
    }
    return newest;
  }

  /// True when the run was stopped before its end.
  bool interrupt(const std::string& name, int count, const Stop& stop) const {
    const bool kill = stop.signal == SIGKILL;
    const auto reached = [&] { return kill ? saved_step(name) : steps_so_far(name); };
    const std::ptrdiff_t wanted = std::max(stop.step, reached() + 1);
    Processes processes(count, train(name, words({"--resume"})));
    EXPECT_TRUE(wait_until([&] { return !processes.running() || reached() >= wanted; }));
    processes.send(stop.signal);
    const auto results = processes.wait();
    if (results.front().status == 0) return false;
    if (kill) {
      EXPECT_EQ(results.front().signal, SIGKILL);
      return true;
    }
    EXPECT_THAT(results, Each(ExitsWith(128 + stop.signal)));
    const Json requeue = Json::parse(read_text_file(run(name) / "requeue.json"));
    EXPECT_EQ(requeue["command_line"].back(), "--resume");
    return true;
  }

  /// `count` different steps of the first fifty, in order.
  static std::vector<std::ptrdiff_t> random_steps(int count, std::uint64_t seed) {
    std::vector<std::ptrdiff_t> all(50), chosen;
    std::iota(all.begin(), all.end(), 1);
    std::mt19937_64 random(seed);
    std::ranges::sample(all, std::back_inserter(chosen), count, random);
    return chosen;
  }

  /// Stops a run by these signals, one after the other at random steps.
  void test(const std::string& name, const std::vector<int>& signals, const Outcome& unbroken) {
    const int count = GetParam();
    const auto steps = random_steps(static_cast<int>(signals.size()), 7);
    int stopped = 0;
    for (std::size_t i = 0; i < signals.size(); ++i) {
      if (interrupt(name, count, {signals[i], steps[i]})) ++stopped;
    }
    EXPECT_EQ(stopped, static_cast<int>(signals.size()));
    EXPECT_EQ(finish(name, count, words({"--resume"})), unbroken);
    EXPECT_FALSE(fs::exists(run(name) / "requeue.json"));
    EXPECT_THAT(unfinished(run(name)), IsEmpty());
    fmt::print(
        "{} processes: {} at {} of 60 steps (asked for at {}): weights {}, metrics and events as "
        "unbroken\n",
        count, name, stopped, fmt::join(steps, ", "), unbroken.weights);
  }
};

TEST_P(InterruptedTest, EndsAsUnbroken) {
  const Outcome unbroken = finish("unbroken", GetParam(), words());
  const auto repeated = [](int signal) { return std::vector<int>(trials(0, 10), signal); };
  if (trials(0, 1) > 0) {
    test("SIGTERM", repeated(SIGTERM), unbroken);
    test("kill -9 after a checkpoint", repeated(SIGKILL), unbroken);
  } else {
    test("SIGTERM, kill -9 and SIGUSR1", {SIGTERM, SIGKILL, SIGUSR1}, unbroken);
  }
}

INSTANTIATE_TEST_SUITE_P(OnProcesses, InterruptedTest, ::testing::Values(1, 2),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace referent::testing
