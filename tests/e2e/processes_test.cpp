// SPDX-License-Identifier: Apache-2.0
// Several processes, started as a cluster's tools start them.
#include <csignal>
#include <fstream>
#include <iterator>

#include "e2e/program.h"
#include "referent/core/error.h"
#include "support/listener.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::Each;
using ::testing::HasSubstr;

/// `count` processes of one group; on their own with one.
class Processes {
 public:
  Processes(int count, const std::function<Words(int rank)>& words) {
    const int port = free_port();
    for (int rank = 0; rank < count; ++rank) {
      ProcessOptions options{.environment = {{"OMP_NUM_THREADS", "1"}}};
      if (count > 1) {
        options.environment.insert(options.environment.end(),
                                   {{"RANK", std::to_string(rank)},
                                    {"WORLD_SIZE", std::to_string(count)},
                                    {"LOCAL_RANK", std::to_string(rank)},
                                    {"MASTER_ADDR", "127.0.0.1"},
                                    {"MASTER_PORT", std::to_string(port)}});
      }
      processes_.push_back(std::make_unique<Process>(program(), words(rank), options));
    }
  }
  Processes(int count, const Words& words) : Processes(count, [&](int) { return words; }) {}

  void send(int signal) {
    for (const auto& process : processes_) process->send(signal);
  }
  bool running() { return processes_.front()->running(); }
  std::vector<ProcessResult> wait() {
    std::vector<ProcessResult> results;
    for (const auto& process : processes_) results.push_back(process->wait());
    return results;
  }

 private:
  std::vector<std::unique_ptr<Process>> processes_;
};

class ProcessesTest : public ::testing::Test {
 protected:
  Path run(const std::string& name) const { return folder_.path() / name; }

  /// Everything that has a state: averages, a scaled loss, a schedule, patience, pieces.
  Words train(const std::string& name, const Words& more = {}) const {
    Words words{"train", tiny_.config(), "--out", run(name), "--json", "--workers", "1"};
    for (const char* value :
         {"train.epochs=3", "train.ema.decay=0.9", "train.loss_scaling.initial=16",
          "train.loss_scaling.growth_steps=5", "train.early_stopping.patience=5",
          "train.schedule.type=cosine", "train.accumulation=2", "train.save_every_steps=4"}) {
      words.insert(words.end(), {"--set", value});
    }
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  std::ptrdiff_t steps_so_far(const std::string& name) const {
    std::ifstream stream(run(name) / "timing.jsonl");
    return std::count(std::istreambuf_iterator<char>(stream), {}, '\n');
  }

  std::string metrics(const std::string& name) const {
    return read_text_file(run(name) / "metrics.jsonl") + read_text_file(run(name) / "metrics.csv");
  }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

TEST_F(ProcessesTest, EvaluateToTheSameBits) {
  std::string expected, expected_lines;
  for (const int count : {1, 2, 3, 5}) {
    const Path lines = folder_.path() / "predictions.jsonl";
    const Words words{"eval",      tiny_.mask_checkpoint(), "--json", "--save-predictions", lines,
                      "--workers", count == 2 ? "2" : "0"};
    const auto results = Processes(count, words).wait();
    ASSERT_THAT(results, Each(ExitsWith(0)));
    Json json = document(results.front());
    for (Json& result : json["results"]) result.erase("seconds");
    for (std::size_t rank = 1; rank < results.size(); ++rank) EXPECT_EQ(results[rank].out, "");
    if (count == 1) {
      expected = json.dump();
      expected_lines = read_text_file(lines);
      EXPECT_EQ(json["results"][0]["samples"], 12);
    }
    EXPECT_EQ(json.dump(), expected) << count << " processes";
    EXPECT_EQ(read_text_file(lines), expected_lines) << count << " processes";
  }
}

TEST_F(ProcessesTest, TrainFurtherAsIfNothingHadInterruptedThem) {
  for (const int count : {1, 2}) {
    const std::string whole = fmt::format("whole-{}", count);
    const auto unbroken = Processes(count, train(whole)).wait();
    ASSERT_THAT(unbroken, Each(ExitsWith(0)));
    const std::string broken = fmt::format("broken-{}", count);
    for (const int signal : {SIGTERM, SIGKILL, SIGUSR1}) {
      const std::ptrdiff_t before = steps_so_far(broken);
      Processes processes(count, train(broken, {"--resume"}));
      EXPECT_TRUE(
          wait_until([&] { return !processes.running() || steps_so_far(broken) >= before + 6; }));
      processes.send(signal);
      const auto results = processes.wait();
      if (signal == SIGKILL) {
        EXPECT_EQ(results.front().signal, SIGKILL);
      } else {
        EXPECT_THAT(results, Each(ExitsWith(128 + signal)));
        const Json requeue = Json::parse(read_text_file(run(broken) / "requeue.json"));
        EXPECT_EQ(requeue["command_line"].back(), "--resume");
      }
    }
    const auto resumed = Processes(count, train(broken, {"--resume"})).wait();
    ASSERT_THAT(resumed, Each(ExitsWith(0)));
    EXPECT_EQ(document(resumed.front())["weights"], document(unbroken.front())["weights"]);
    EXPECT_EQ(metrics(broken), metrics(whole)) << count << " processes";
    EXPECT_FALSE(fs::exists(run(broken) / "requeue.json"));
    fmt::print("{} processes: interrupted three times, weights {} as unbroken\n", count,
               document(resumed.front())["weights"].get<std::string>());
  }
}

TEST_F(ProcessesTest, ThatDifferEndWithTheDifference) {
  const auto results = Processes(2, [&](int rank) {
                         return train("differing", {"--set", rank == 0 ? "seed=5" : "seed=6"});
                       }).wait();
  for (const ProcessResult& result : results) {
    EXPECT_THAT(result, Fails(2, {"rank 1", "configuration", "seed"}));
  }
}

TEST_F(ProcessesTest, EndWhenOneFails) {
  Processes processes(2, train("failing", {"--set", "train.epochs=200"}));
  ASSERT_TRUE(wait_until([&] { return !processes.running() || steps_so_far("failing") >= 4; }));
  // Rank 0 can no longer write.
  fs::remove_all(run("failing"));
  std::ofstream(run("failing")) << "not a folder";
  const auto results = processes.wait();
  EXPECT_THAT(results[0], Fails(6, {"failing"}));
  EXPECT_THAT(results[1], Fails(7, {"rank 0", "failing"}));
}

}  // namespace
}  // namespace referent::testing
