// SPDX-License-Identifier: Apache-2.0
// Runs that are killed while they save go on as if nothing had happened.
#include <csignal>
#include <random>

#include "e2e/processes.h"
#include "e2e/save_watch.h"
#include "e2e/trials.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
using ::testing::IsEmpty;

class KilledSavingTest : public StatefulTraining {
 protected:
  /// A run that exists, so that it can be watched, and has yet to begin.
  Path make(const std::string& name) const {
    fs::create_directories(run(name) / "checkpoints");
    return run(name);
  }

  /// How long a save takes of an unbroken run, whose outcome this fills in.
  Seconds time_of_a_save(const Words& more, Outcome& unbroken) const {
    SaveWatch watch(make("unbroken"));
    std::vector<Seconds> times;
    Clock::time_point begun;
    Process process = start(train("unbroken", more));
    while (process.running()) {
      const auto event = watch.next();
      if (event == SaveWatch::Event::kBegun) begun = Clock::now();
      if (event == SaveWatch::Event::kPublished) times.push_back(Clock::now() - begun);
    }
    EXPECT_THAT(process.wait(), ExitsWith(0));
    EXPECT_GT(times.size(), 10U);
    std::ranges::sort(times);
    unbroken = finish("unbroken", 1, more);
    return times.empty() ? Seconds() : times[times.size() / 2];
  }

  /// Where in a save the killed run was.
  enum Place { kWriting, kLinking, kAfter };
  Place place_of(const std::string& name) const {
    if (!unfinished(run(name)).empty()) return kWriting;
    const Words checkpoints = entries(run(name) / "checkpoints");
    std::error_code none;
    const Path last = fs::read_symlink(run(name) / "last", none).filename();
    return !checkpoints.empty() && checkpoints.back() == last ? kAfter : kLinking;
  }
};

TEST_F(KilledSavingTest, AtRandomMoments) {
  constexpr int kKills = 10;  // of one run
  const int runs = trials(1, 10);
  const Words more{"--set", "train.epochs=4", "--set", "train.save_every_steps=1", "--resume"};
  Outcome unbroken;
  const Seconds whole = time_of_a_save(more, unbroken);
  std::mt19937_64 random(6);
  std::array<int, 3> killed{};
  for (int number = 0; number < runs; ++number) {
    const std::string name = fmt::format("killed-{}", number);
    SaveWatch watch(make(name));
    for (int kill = 0; kill < kKills; ++kill) {
      Process process = start(train(name, more));
      for (std::uint64_t saves = 1 + random() % 3; saves > 0 && process.running();) {
        if (watch.next() == SaveWatch::Event::kBegun) --saves;
      }
      std::this_thread::sleep_for(std::uniform_real_distribution<>(0, 1.25)(random) * whole);
      process.send(SIGKILL);
      const ProcessResult result = process.wait();
      ASSERT_EQ(result.signal, SIGKILL)
          << "run " << number << ", kill " << kill << ": " << ::testing::PrintToString(result);
      while (watch.next()) {
      }
      ++killed[place_of(name)];
    }
    EXPECT_EQ(finish(name, 1, more), unbroken) << name;
    EXPECT_THAT(unfinished(run(name)), IsEmpty());
  }
  const int all = killed[kWriting] + killed[kLinking] + killed[kAfter];
  EXPECT_EQ(all, runs * kKills);
  fmt::print(
      "kill -9 at {} random moments of saving ({} in writing, {} before it was the last, {} "
      "after; a save takes {:.1f} ms): {} of {} resumed, {} of {} runs end as unbroken, "
      "weights {}\n",
      all, killed[kWriting], killed[kLinking], killed[kAfter], 1e3 * whole.count(), all, all, runs,
      runs, unbroken.weights);
}

/// The calls of the second of three saves: of writes only some, for they are one loop.
std::vector<Call> calls_of_a_save(const std::vector<Call>& calls) {
  const auto begins = [](const Call& call) {
    return call.kind == "open" && call.name.starts_with("step-00000002");
  };
  const auto first = std::ranges::find_if(calls, begins);
  const auto last = std::find_if(first, calls.end(), [](const Call& call) {
    return call.name.starts_with("metrics.jsonl");  // of the third step
  });
  std::vector<Call> chosen;
  std::vector<Call> writes;
  for (auto call = first; call != last; ++call) {
    (call->kind == "write" ? writes : chosen).push_back(*call);
  }
  const auto count = static_cast<std::size_t>(trials(3, 12));
  for (std::size_t i = 0; i < count; ++i) {
    chosen.push_back(writes[(writes.size() - 1) * i / (count - 1)]);
  }
  return chosen;
}

TEST_F(KilledSavingTest, AtEveryCall) {
  const Words more{"--set",   "train.max_steps=3",        "--set", "train.save_every_steps=1",
                   "--set",   "train.eval_every_steps=1", "--set", "train.keep_last=1",
                   "--resume"};
  const std::vector<Call> all = calls_of(train("unbroken", more), run("unbroken"));
  const Outcome unbroken = finish("unbroken", 1, more);
  int cases = 0;
  std::map<std::string, int> kinds;
  const std::vector<Call> calls = calls_of_a_save(all);
  for (std::size_t i = 0; i < calls.size(); i += static_cast<std::size_t>(trials(3, 1))) {
    const Call& call = calls[i];
    const std::string name = fmt::format("killed-{}", call.number);
    const auto killed = [&](int) {
      return ProcessStart{train(name, more),
                          faults(run(name), {{"FAULT_FIRST", std::to_string(call.number)},
                                             {"FAULT_SIGNAL", std::to_string(SIGKILL)}})};
    };
    ASSERT_EQ(Processes(1, killed).wait().front().signal, SIGKILL) << call.kind << call.name;
    EXPECT_EQ(finish(name, 1, more), unbroken) << "killed at " << call.kind << ' ' << call.name;
    EXPECT_THAT(unfinished(run(name)), IsEmpty());
    ++kinds[call.kind];
    ++cases;
  }
  std::string list;
  for (const auto& [kind, count] : kinds) list += fmt::format(" {} {},", count, kind);
  list.pop_back();
  fmt::print("killed at {} calls of a save:{}: all resumed, weights {} as unbroken\n", cases, list,
             unbroken.weights);
}

}  // namespace
}  // namespace referent::testing
