// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>

#include "e2e/program.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr int kSteps = 20;  // of the tiny run

std::string weights_of(const ProcessResult& result) {
  EXPECT_THAT(result, ExitsWith(0));
  return document(result).value("weights", "none");
}

class TrainTest : public ::testing::Test {
 protected:
  Path run() const { return folder_.path() / "run"; }

  Words train(const Words& more = {}) const {
    Words words{"train", tiny_.config(), "--out", run(), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  /// Starts training and stops it by `signal` after four steps or a few more.
  ProcessResult interrupt(int signal, const Words& more) const {
    const std::ptrdiff_t before = steps_so_far();
    Process process = start(train(more));
    EXPECT_TRUE(wait_until([&] { return !process.running() || steps_so_far() >= before + 4; }));
    process.send(signal);
    return process.wait();
  }

  std::ptrdiff_t steps_so_far() const {
    std::ifstream stream(run() / "timing.jsonl");
    return std::count(std::istreambuf_iterator<char>(stream), {}, '\n');
  }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

TEST_F(TrainTest, ARunFolderHoldsWhatDescribesTheRun) {
  EXPECT_THAT(entries(tiny_.run()),
              ElementsAre("best", "checkpoints", "config.json", "last", "log.txt", "metrics.csv",
                          "metrics.jsonl", "run.json", "tensorboard", "timing.jsonl"));
  EXPECT_THAT(referent({"config", "check", tiny_.run() / "config.json"}), ExitsWith(0));
  EXPECT_THAT(fs::read_symlink(tiny_.run() / "last").string(),
              EndsWith("step-00000020.safetensors"));
  EXPECT_TRUE(fs::exists(tiny_.run() / "best"));
  EXPECT_THAT(entries(tiny_.run() / "checkpoints"), Not(Contains(EndsWith(".tmp"))));

  const Json start = Json::parse(read_text_file(tiny_.run() / "run.json"))["starts"][0];
  EXPECT_EQ(start["command_line"][1], "train");
  EXPECT_EQ(start["device"], "cpu");
  EXPECT_TRUE(start["versions"].contains("torch"));
  EXPECT_THAT(read_text_file(tiny_.run() / "log.txt"), HasSubstr("done: 20 steps"));
}

TEST_F(TrainTest, MetricsHaveALinePerStepAndNothingOfTheClock) {
  const std::vector<Json> lines = json_lines(tiny_.run() / "metrics.jsonl");
  EXPECT_THAT(lines, SizeIs(kSteps + 2));  // and two evaluations
  EXPECT_EQ(lines.front()["kind"], "train");
  EXPECT_EQ(lines.back()["kind"], "eval");
  EXPECT_EQ(lines.back()["dataset"], "val");
  EXPECT_TRUE(lines.back().contains("prec@0.5"));
  for (const Json& line : lines) {
    for (const auto& [key, value] : line.items()) EXPECT_THAT(key, Not(HasSubstr("second")));
  }
  EXPECT_THAT(json_lines(tiny_.run() / "timing.jsonl"), SizeIs(kSteps));
  EXPECT_THAT(read_text_file(tiny_.run() / "metrics.csv"), StartsWith("kind,step,epoch,dataset,"));
}

TEST_F(TrainTest, AnExistingFolderIsRefusedAndLeftAlone) {
  fs::create_directories(run());
  std::ofstream(run() / "notes.txt") << "mine";
  EXPECT_THAT(referent(train()), Fails(2, {run(), "--resume", "--overwrite"}));
  EXPECT_THAT(entries(run()), ElementsAre("notes.txt"));
  EXPECT_THAT(referent(train({"--resume", "--overwrite"})), Fails(2, {"--resume", "--overwrite"}));
  EXPECT_THAT(entries(run()), ElementsAre("notes.txt"));
}

TEST_F(TrainTest, OverwritingKeepsForeignFilesAndGivesTheSameWeights) {
  const std::string weights = weights_of(referent(train({"--workers", "0"})));
  std::ofstream(run() / "notes.txt") << "mine";
  EXPECT_EQ(weights_of(referent(train({"--workers", "3", "--overwrite"}))), weights);
  EXPECT_TRUE(fs::exists(run() / "notes.txt"));
  EXPECT_THAT(json_lines(run() / "metrics.jsonl"), SizeIs(kSteps + 2));
}

TEST_F(TrainTest, AFinishedRunIsNotTrainedFurther) {
  const std::string weights = weights_of(referent(train()));
  const ProcessResult again = referent(train({"--resume"}));
  EXPECT_EQ(weights_of(again), weights);
  EXPECT_EQ(document(again)["step"], kSteps);
  EXPECT_THAT(json_lines(run() / "metrics.jsonl"), SizeIs(kSteps + 2));
}

TEST_F(TrainTest, ARunThatIsInterruptedTwiceEndsAsOneThatIsNot) {
  const Words steps{"--set", "train.epochs=8"};
  const Words resume{"--set", "train.epochs=8", "--resume"};
  const ProcessResult interrupted = interrupt(SIGINT, steps);
  EXPECT_THAT(interrupted, Fails(130, {"--resume"}));
  EXPECT_EQ(document(interrupted)["finished"], false);
  EXPECT_TRUE(fs::exists(run() / "last"));
  EXPECT_THAT(entries(run() / "checkpoints"), Not(Contains(EndsWith(".tmp"))));

  const ProcessResult terminated = interrupt(SIGTERM, resume);
  EXPECT_THAT(terminated, ExitsWith(143));

  const ProcessResult resumed = referent(train(resume));
  EXPECT_EQ(document(resumed)["finished"], true);
  const std::string metrics = read_text_file(run() / "metrics.jsonl");
  const std::string table = read_text_file(run() / "metrics.csv");

  Words unbroken = train(steps);
  unbroken[3] = folder_.path() / "unbroken";
  EXPECT_EQ(weights_of(resumed), weights_of(referent(unbroken)));
  EXPECT_EQ(metrics, read_text_file(folder_.path() / "unbroken" / "metrics.jsonl"));
  EXPECT_EQ(table, read_text_file(folder_.path() / "unbroken" / "metrics.csv"));
  EXPECT_THAT(Json::parse(read_text_file(run() / "run.json"))["starts"], SizeIs(3));
}

TEST_F(TrainTest, AKilledRunGoesOnFromItsLastCheckpoint) {
  const Words steps{"--set", "train.epochs=6", "--set", "train.save_every_steps=3"};
  const ProcessResult killed = interrupt(SIGKILL, steps);
  EXPECT_EQ(killed.signal, SIGKILL);
  const ProcessResult resumed = referent(train({"--set", "train.epochs=7", "--resume"}));
  EXPECT_THAT(resumed, Fails(0, {"resuming with another /train/epochs"}));
  EXPECT_EQ(document(resumed)["step"], 70);
  EXPECT_THAT(entries(run() / "checkpoints"), Not(Contains(EndsWith(".tmp"))));
}

TEST_F(TrainTest, AKeyThatAnOlderRunDidNotKnowIsNoChange) {
  ASSERT_THAT(referent(train({"--set", "train.max_steps=2"})), ExitsWith(0));
  Json config = Json::parse(read_text_file(run() / "config.json"));
  ASSERT_EQ(config["model"]["heads"].erase("mask"), 1U);
  ASSERT_EQ(config["train"]["optimizer"].erase("bias_correction"), 1U);
  ASSERT_EQ(config["train"]["loss"].erase("dice_weight"), 1U);
  std::ofstream(run() / "config.json") << config;
  const ProcessResult resumed = referent(train({"--set", "train.max_steps=3", "--resume"}));
  EXPECT_THAT(resumed, Fails(0, {"resuming with another /train/max_steps"}));
  for (const std::string place : {"/model", "/train/optimizer", "/train/loss"}) {
    EXPECT_THAT(resumed.err, Not(HasSubstr("resuming with another " + place)));
  }
}

TEST_F(TrainTest, DataThatIsWrongIsToldBeforeAFolderIsMade) {
  EXPECT_THAT(referent(train({"--set", "data.train.0.path=/nowhere/train.jsonl"})),
              Fails(3, {"/nowhere/train.jsonl", "No such file"}));
  EXPECT_THAT(referent(train({"--set", "train.batch_size=1000"})),
              Fails(2, {"/train/batch_size", "1000", "40"}));
  EXPECT_THAT(referent(train({"--set", "train.epocs=1"})), Fails(2, {"/train/epocs", "epochs"}));
  EXPECT_THAT(entries(folder_.path()), IsEmpty());
}

TEST_F(TrainTest, AnInterruptedSynthesisLeavesNothing) {
  const Path scenes = folder_.path() / "scenes";
  Process process = start({"data", "synthesize", scenes, "--train", "1000000"});
  EXPECT_TRUE(wait_until([&] { return !entries(folder_.path()).empty(); }));
  process.send(SIGINT);
  EXPECT_THAT(process.wait(), Fails(130, {"stopped"}));
  EXPECT_THAT(entries(folder_.path()), IsEmpty());
}

TEST_F(TrainTest, SynthesisIsTheSameForASeedAndRefusesAnExistingFolder) {
  const Path scenes = folder_.path() / "scenes";
  const ProcessResult made = referent(
      {"data", "synthesize", scenes, "--train", "40", "--val", "12", "--size", "64", "--json"});
  EXPECT_THAT(made, ExitsWith(0));
  EXPECT_EQ(document(made)["train"], (scenes / "train.jsonl").string());
  EXPECT_EQ(read_text_file(scenes / "train.jsonl"), read_text_file(tiny_.scenes() / "train.jsonl"));
  EXPECT_THAT(entries(scenes / "images"), SizeIs(52));
  EXPECT_THAT(referent({"data", "synthesize", scenes}), Fails(6, {scenes, "exists already"}));
}

}  // namespace
}  // namespace referent::testing
