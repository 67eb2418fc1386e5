// SPDX-License-Identifier: Apache-2.0
// Signals in every place of a training: it saves, ends within seconds, and goes on later.
#include <csignal>

#include "e2e/processes.h"
#include "e2e/trials.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using Clock = std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr double kLimit = 10;  // [s]

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class SignalTest : public StatefulTraining {
 protected:
  /// Twelve steps, an evaluation of many batches after the tenth.
  Words words() const {
    return {"--set",   "train.max_steps=12",
            "--set",   "eval.batch_size=1",
            "--set",   "data.eval.val.path=" + (tiny_.scenes() / "train.jsonl").string(),
            "--resume"};
  }

  ProcessStart start_of(const std::string& name, const Variables& environment = {}) const {
    return {train(name, words()), environment};
  }

  /// The middle one of the writes that make the first checkpoint.
  long write_of_a_save() const {
    std::vector<long> writes;
    for (const Call& call : calls_of(train("calls", words()), run("calls"))) {
      if (call.kind == "write" && call.name.starts_with("step-00000004")) {
        writes.push_back(call.number);
      }
    }
    EXPECT_THAT(writes, Not(IsEmpty()));
    return writes.at(writes.size() / 2);
  }

  /// Sends the signal once the run has made `steps` steps. How long it then took to end.
  double stop_after(const std::string& name, std::ptrdiff_t steps, int signal) const {
    Processes process(1, start_of(name).words);
    EXPECT_TRUE(wait_until([&] { return !process.running() || steps_so_far(name) >= steps; }));
    const Clock::time_point sent = Clock::now();
    process.send(signal);
    EXPECT_THAT(process.wait().front(), ExitsWith(128 + signal)) << name;
    return seconds_since(sent);
  }

  /// Raises the signal within a call of a save. How long the whole run took.
  double stop_in_save(const std::string& name, long call, int signal) const {
    const Clock::time_point began = Clock::now();
    const auto start = [&](int) {
      return start_of(name, faults(run(name), {{"FAULT_FIRST", std::to_string(call)},
                                               {"FAULT_SIGNAL", std::to_string(signal)}}));
    };
    EXPECT_THAT(Processes(1, start).wait().front(), ExitsWith(128 + signal)) << name;
    // The save is finished, and no step follows.
    EXPECT_EQ(fs::read_symlink(run(name) / "last").filename(), "step-00000004.safetensors");
    return seconds_since(began);
  }
};

TEST_F(SignalTest, InAStepInAnEvaluationAndInASave) {
  const long call = write_of_a_save();
  const Outcome unbroken = finish("unbroken", 1, words());
  const std::vector<int> signals{SIGTERM, SIGINT, SIGUSR1};
  const std::vector<std::string> places{"step", "evaluation", "save"};
  for (std::size_t i = 0; i < signals.size() * places.size(); i += trials(4, 1)) {
    const int signal = signals[i / places.size()];
    const std::string& place = places[i % places.size()];
    const std::string name = fmt::format("{}-{}", place, signal);
    const double took = place == "step"         ? stop_after(name, 6, signal)
                        : place == "evaluation" ? stop_after(name, 10, signal)
                                                : stop_in_save(name, call, signal);
    EXPECT_LE(took, kLimit);
    EXPECT_TRUE(fs::exists(run(name) / "requeue.json"));
    EXPECT_THAT(unfinished(run(name)), IsEmpty());
    if (place == "evaluation") {
      // It was cut off: the checkpoint is of its step, its figures are not there yet.
      EXPECT_EQ(fs::read_symlink(run(name) / "last").filename(), "step-00000010.safetensors");
      EXPECT_THAT(read_text_file(run(name) / "metrics.jsonl"), Not(HasSubstr("eval")));
    }
    EXPECT_EQ(finish(name, 1, words()), unbroken) << name;
    EXPECT_FALSE(fs::exists(run(name) / "requeue.json"));
    fmt::print("signal {} in the {}: status {}, {} {:.2f} s, resumed as unbroken\n", signal, place,
               128 + signal, place == "save" ? "whole run" : "ended after", took);
  }
}

TEST_F(SignalTest, ASecondInterruptEndsASaveAtOnce) {
  const long call = write_of_a_save();
  const Outcome unbroken = finish("unbroken", 1, words());
  const auto start = [&](int) {
    return start_of("forced", faults(run("forced"), {{"FAULT_FIRST", std::to_string(call)},
                                                     {"FAULT_TIMES", "2"},
                                                     {"FAULT_SIGNAL", std::to_string(SIGINT)}}));
  };
  EXPECT_EQ(Processes(1, start).wait().front().signal, SIGINT);
  EXPECT_EQ(finish("forced", 1, words()), unbroken);
  EXPECT_THAT(unfinished(run("forced")), IsEmpty());
}

TEST_F(SignalTest, ASecondInterruptEndsAStepAtOnce) {
  // Steps of seconds, each saved, without evaluations between them.
  Processes process(
      1, train("slow", {"--set", "data.image.size=384", "--set", "train.batch_size=20", "--set",
                        "model.visual_encoder.backbone.width=16", "--set",
                        "train.save_every_steps=1", "--set", "train.eval_every_epochs=0"}));
  const Path last = run("slow") / "last";
  ASSERT_TRUE(wait_until([&] { return !process.running() || fs::exists(last); }));
  // Well into the next step.
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  process.send(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const Clock::time_point sent = Clock::now();
  process.send(SIGINT);
  EXPECT_EQ(process.wait().front().signal, SIGINT);
  const double took = seconds_since(sent);
  const Json line = json_lines(run("slow") / "timing.jsonl").front();
  fmt::print("second SIGINT in a step of {:.1f} s: gone after {:.2f} s\n",
             line["seconds_per_step"].get<double>(), took);
  EXPECT_LE(took, 0.5);
  EXPECT_THAT(referent({"checkpoint", "verify", last}), ExitsWith(0));
}

}  // namespace
}  // namespace referent::testing
