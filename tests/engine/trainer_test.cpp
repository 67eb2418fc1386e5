// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "referent/core/error.h"
#include "support/tiny_run.h"

namespace referent::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSteps = 9;  // three epochs of three

class TrainerTest : public ::testing::Test {
 protected:
  TrainerTest() { config_ = testing::tiny_config(testing::tiny_scenes(temporary_.path())); }

  RunFolder open(const std::string& name, Existing existing = Existing::kRefuse) const {
    return RunFolder(temporary_.path() / name, existing);
  }

  /// What a run leaves that must not depend on interruptions.
  struct Outcome {
    std::string weights, lines, csv;
    std::optional<BestEvaluation> best;
    bool operator==(const Outcome&) const = default;
  };
  static Outcome outcome(const Trainer& trainer, const RunFolder& folder) {
    return {trainer.weights_hash(), read_text_file(folder.path() / "metrics.jsonl"),
            read_text_file(folder.path() / "metrics.csv"), trainer.state().best};
  }

  Outcome run_unbroken(const std::string& name, std::int64_t workers) const {
    const RunFolder folder = open(name);
    Trainer trainer(config_, {.workers = workers});
    EXPECT_EQ(trainer.run(&folder), Ended::kDone);
    EXPECT_EQ(trainer.state().step, kSteps);
    return outcome(trainer, folder);
  }

  /// A run that is stopped the `call`-th time that it asks, and then goes on as a new process
  /// would.
  Outcome run_interrupted(int call) const {
    const RunFolder folder = open(fmt::format("interrupted-{}", call));
    int asked = 0;
    Trainer first(config_, {.workers = 1, .stop = [&] { return ++asked == call ? 15 : 0; }});
    EXPECT_EQ(first.run(&folder), Ended::kStopped);
    EXPECT_LT(first.state().step, kSteps + 1);
    Trainer second(config_, {.workers = 0, .stop = {}});
    second.resume(folder.checkpoint(first.state().step));
    EXPECT_EQ(second.state(), first.state());
    EXPECT_EQ(second.weights_hash(), first.weights_hash());
    EXPECT_EQ(second.run(&folder), Ended::kDone);
    return outcome(second, folder);
  }

  testing::TemporaryFolder temporary_;
  RunConfig config_;
};

TEST_F(TrainerTest, ResumingGivesWhatAnUnbrokenRunGives) {
  const Outcome unbroken = run_unbroken("unbroken", 2);
  EXPECT_THAT(unbroken.lines, ::testing::HasSubstr(R"("kind":"train","step":8)"));
  EXPECT_THAT(unbroken.lines, ::testing::HasSubstr(R"("kind":"eval","step":9)"));
  // A step asks once, an evaluation once in each of three batches: call 2 comes after the second
  // step, 4 within the first evaluation, 6 after it, 7 within the second epoch.
  for (const int call : {1, 2, 4, 6, 7, 12}) {
    EXPECT_EQ(run_interrupted(call), unbroken) << "stopped at call " << call;
  }
}

TEST_F(TrainerTest, ResumingKeepsAveragesScaleAndPatience) {
  config_.train.ema = training::EmaConfig{.decay = 0.9, .warmup = true};
  config_.train.loss_scaling = training::LossScalingConfig{.initial = 16, .growth_steps = 2};
  config_.train.early_stopping = EarlyStoppingConfig{.patience = 3, .gain = 0};
  config_.train.accumulation = 2;
  config_.train.precision = Precision::kBFloat16;
  config_.train.schedule.type = training::ScheduleType::kCosine;
  const Outcome unbroken = run_unbroken("unbroken", 1);
  EXPECT_THAT(unbroken.lines, ::testing::HasSubstr("ema_prec@0.5"));
  EXPECT_THAT(unbroken.lines, ::testing::HasSubstr("loss_scale"));
  for (const int call : {1, 2, 5, 8}) {
    EXPECT_EQ(run_interrupted(call), unbroken) << "stopped at call " << call;
  }
}

TEST_F(TrainerTest, ACheckpointHoldsWeightsAndTheirAverages) {
  config_.train.ema = training::EmaConfig{.decay = 0.9, .warmup = false};
  const RunFolder folder = open("averages");
  Trainer trainer(config_, {.workers = 0});
  ASSERT_EQ(trainer.run(&folder), Ended::kDone);
  const auto score = [&](checkpoint::Weights weights) {
    const inference::Predictor predictor(folder.path() / "last", {.weights = weights});
    return metric_values(
        *evaluate(predictor, "val", data::open_dataset(config_.data.eval.at("val"), {}), {}));
  };
  std::istringstream lines(read_text_file(folder.path() / "metrics.jsonl"));
  nlohmann::json last;
  for (std::string line; std::getline(lines, line);) last = nlohmann::json::parse(line);
  ASSERT_EQ(last["kind"], "eval");
  const double raw = score(checkpoint::Weights::kRaw).back().second;
  const double averaged = score(checkpoint::Weights::kEma).back().second;
  EXPECT_NEAR(raw, last["mean_iou"].get<double>(), 1e-5);
  EXPECT_NEAR(averaged, last["ema_mean_iou"].get<double>(), 1e-5);
  EXPECT_GT(std::abs(raw - averaged), 1e-4);
  EXPECT_EQ(trainer.state().ema_updates, kSteps);
}

TEST_F(TrainerTest, PiecesOfABatchTrainAsTheBatchDoes) {
  const auto losses = [&](const std::string& name) {
    const RunFolder folder = open(name);
    Trainer trainer(config_, {.workers = 0});
    EXPECT_EQ(trainer.run(&folder), Ended::kDone);
    std::istringstream lines(read_text_file(temporary_.path() / name / "metrics.jsonl"));
    std::vector<double> values;
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line);
      if (json["kind"] == "train") values.push_back(json["loss"]);
    }
    return values;
  };
  config_.model.text_encoder.dropout = 0;
  config_.model.visual_encoder.transformer.dropout = 0;
  config_.model.decoder.transformer.dropout = 0;
  config_.train.drop_last = false;  // 14 samples: the last batch has two
  const std::vector<double> whole = losses("whole");
  config_.train.accumulation = 4;
  const std::vector<double> pieces = losses("pieces");
  ASSERT_EQ(whole.size(), pieces.size());
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], pieces[i], 1e-3 * whole[i]);
}

TEST_F(TrainerTest, TrainingEndsWhenNothingGetsBetter) {
  config_.train.optimizer.learning_rate = 0;
  config_.train.eval_every_steps = 1;
  config_.train.early_stopping = EarlyStoppingConfig{.patience = 3, .gain = 0};
  const RunFolder folder = open("flat");
  Trainer trainer(config_, {.workers = 0});
  EXPECT_EQ(trainer.run(&folder), Ended::kDone);
  EXPECT_EQ(trainer.state().step, 4);  // the first evaluation is the best
  EXPECT_EQ(trainer.state().best.value().step, 1);
  // It stays ended, unless more patience is asked for.
  Trainer again(config_, {.workers = 0});
  again.resume(folder.path() / "last");
  EXPECT_EQ(again.run(&folder), Ended::kDone);
  EXPECT_EQ(again.state().step, 4);
  config_.train.early_stopping->patience = 5;
  Trainer longer(config_, {.workers = 0});
  longer.resume(folder.path() / "last");
  EXPECT_EQ(longer.run(&folder), Ended::kDone);
  EXPECT_EQ(longer.state().step, 6);
}

TEST_F(TrainerTest, TimeRunsOutBetweenSteps) {
  const Outcome unbroken = run_unbroken("unbroken", 0);
  const RunFolder folder = open("limited");
  Trainer trainer(config_, {.workers = 0, .time_limit = 1e-6});
  EXPECT_EQ(trainer.run(&folder), Ended::kTimeLimit);
  EXPECT_EQ(trainer.state().step, 1);
  Trainer second(config_, {.workers = 0});
  second.resume(folder.path() / "last");
  EXPECT_EQ(second.run(&folder), Ended::kDone);
  EXPECT_EQ(outcome(second, folder), unbroken);
}

TEST_F(TrainerTest, MoreEpochsGoOnAsALongerRunWould) {
  config_.train.schedule.type = training::ScheduleType::kStep;
  config_.train.schedule.drop_epochs = 2;
  const RunFolder folder = open("run");
  config_.train.epochs = 1;
  Trainer first(config_, {.workers = 0});
  ASSERT_EQ(first.run(&folder), Ended::kDone);
  config_.train.epochs = 3;
  Trainer second(config_, {.workers = 0});
  second.resume(folder.path() / "last");
  EXPECT_EQ(second.run(&folder), Ended::kDone);
  EXPECT_EQ(outcome(second, folder).weights, run_unbroken("longer", 0).weights);
}

TEST_F(TrainerTest, CheckpointsOfCertainStepsStayForGood) {
  config_.train.save_every_steps = 1;
  config_.train.keep_every_steps = 4;
  config_.train.keep_last = 1;
  const RunFolder folder = open("run");
  Trainer trainer(config_, {.workers = 0});
  ASSERT_EQ(trainer.run(&folder), Ended::kDone);
  std::set<std::int64_t> kept{4, 8, 9, trainer.state().best.value().step};
  EXPECT_THAT(folder.checkpoint_steps(), ::testing::ElementsAreArray(kept));
}

TEST_F(TrainerTest, AnOverflowLowersTheScaleAndIsNoBadStep) {
  config_.train.loss.box_weight = 1e15;  // squares of scaled gradients overflow float32
  config_.train.loss_scaling = training::LossScalingConfig{.initial = 1 << 16};
  config_.train.max_bad_steps = 1;
  const RunFolder folder = open("overflowing");
  Trainer trainer(config_, {.workers = 0});
  EXPECT_EQ(trainer.run(&folder), Ended::kDone);
  EXPECT_GT(trainer.state().overflowed, 0);
  EXPECT_LT(trainer.state().overflowed, kSteps);
  EXPECT_EQ(trainer.state().skipped, trainer.state().overflowed);
  EXPECT_EQ(trainer.state().loss_scaling.scale,
            std::ldexp(1.0, 16 - static_cast<int>(trainer.state().overflowed)));
}

TEST_F(TrainerTest, TheLastCheckpointsAndTheBestStay) {
  const RunFolder folder = open("run");
  Trainer trainer(config_, {.workers = 0});
  ASSERT_EQ(trainer.run(&folder), Ended::kDone);
  const std::vector<std::int64_t> steps = folder.checkpoint_steps();
  EXPECT_THAT(steps, ::testing::IsSupersetOf({6, 9}));
  ASSERT_TRUE(trainer.state().best.has_value());
  EXPECT_EQ(fs::canonical(folder.path() / "best"),
            fs::canonical(folder.checkpoint(trainer.state().best->step)));
  EXPECT_EQ(fs::canonical(folder.path() / "last"), fs::canonical(folder.checkpoint(9)));
  // The checkpoint stands alone: it grounds without configuration or vocabulary files.
  const inference::Predictor predictor(folder.path() / "last");
  const image::Image scene = data::make_scene({.size = 64}, 0).image;
  EXPECT_LE(predictor.ground(scene, "the red circle").box.x2, 64);
}

TEST_F(TrainerTest, StepsWithoutFiniteLossAreSkippedUntilTooMany) {
  config_.train.loss.box_weight = 1e39;  // infinite in float32
  config_.train.max_bad_steps = 4;
  const RunFolder folder = open("diverging");
  Trainer trainer(config_, {.workers = 0});
  const std::string before = trainer.weights_hash();
  EXPECT_EQ(trainer.run(&folder), Ended::kDiverged);
  EXPECT_EQ(trainer.state().step, 4);
  EXPECT_EQ(trainer.state().skipped, 4);
  EXPECT_EQ(trainer.weights_hash(), before);
  // Which samples they had is written down.
  std::istringstream lines(read_text_file(folder.path() / "bad_steps.jsonl"));
  std::int64_t step = 0;
  for (std::string line; std::getline(lines, line); ++step) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["step"], step + 1);
    EXPECT_EQ(json["ids"].size(), 4U);
    EXPECT_EQ(json["loss"], "inf");
  }
  EXPECT_EQ(step, 4);
}

TEST_F(TrainerTest, MasksAreLearnedAndChosenBy) {
  config_.model.heads.mask = decoders::MaskHeadConfig{.width = 8, .threshold = 0.35};
  config_.train.best_metric = BestMetric::kMaskMeanIou;
  const RunFolder folder = open("masks");
  Trainer trainer(config_, {.workers = 1});
  ASSERT_EQ(trainer.run(&folder), Ended::kDone);
  const std::string lines = read_text_file(folder.path() / "metrics.jsonl");
  for (const char* name : {"loss_focal", "loss_dice", "mask_mean_iou", "mask_overall_iou"}) {
    EXPECT_THAT(lines, ::testing::HasSubstr(name));
  }
  // The best step is that of the best mask_mean_iou among the evaluations.
  double best = -1;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json["kind"] == "eval") best = std::max(best, json["mask_mean_iou"].get<double>());
  }
  EXPECT_EQ(trainer.state().best.value().value, best);
  EXPECT_EQ(trainer.state().skipped, 0);
}

TEST_F(TrainerTest, AMaskHeadNeedsMasksToLearnFrom) {
  config_.model.heads.mask = decoders::MaskHeadConfig{.width = 8, .threshold = 0.35};
  const auto without_masks = [&](const Path& lines) {
    std::istringstream stream(read_text_file(lines));
    std::string text;
    for (std::string line; std::getline(stream, line);) {
      auto json = nlohmann::json::parse(line);
      json.erase("mask");
      text += json.dump() + "\n";
    }
    const Path path = lines.parent_path() / "boxes.jsonl";
    write_file(path, text);
    return path;
  };
  const data::DatasetConfig with = config_.data.train[0];
  config_.data.train[0].path = without_masks(with.path);
  try {
    const Trainer trainer(config_, {});
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("none of 14 expressions has an annotated mask"));
  }
  // Beside data with masks they train the boxes.
  config_.data.train.push_back(with);
  config_.train.max_steps = 3;
  const RunFolder mixed = open("mixed");
  Trainer trainer(config_, {.workers = 0});
  EXPECT_EQ(trainer.run(&mixed), Ended::kDone);
  EXPECT_EQ(trainer.state().skipped, 0);
  // Without a mask to compare with, none can be the best.
  config_.data.eval.at("val").path = config_.data.train[0].path;
  config_.train.best_metric = BestMetric::kMaskMeanIou;
  EXPECT_THROW(Trainer(config_, {}), DataError);
}

TEST_F(TrainerTest, WhatDoesNotFitIsRefused) {
  const RunFolder folder = open("run");
  config_.train.max_steps = 1;
  Trainer trainer(config_, {.workers = 0});
  ASSERT_EQ(trainer.run(&folder), Ended::kDone);

  RunConfig other = config_;
  other.train.batch_size = 2;
  EXPECT_THROW(Trainer(other, {}).resume(folder.checkpoint(1)), ConfigError);
  other = config_;
  other.model.conditioning.type = conditioning::Type::kNone;
  EXPECT_THROW(Trainer(other, {}).resume(folder.checkpoint(1)), CheckpointError);
  other = config_;
  other.train.batch_size = 15;
  EXPECT_THROW(Trainer(other, {}), ConfigError);
  other = config_;
  other.data.train.clear();
  EXPECT_THROW(Trainer(other, {}), ConfigError);
}

}  // namespace
}  // namespace referent::engine
