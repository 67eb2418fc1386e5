// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "referent/core/error.h"
#include "referent/inference/build.h"
#include "referent/text/config.h"
#include "support/tiny_run.h"

namespace referent::engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class EvaluatorTest : public ::testing::Test {
 protected:
  EvaluatorTest() {
    config_ = testing::tiny_config(testing::tiny_scenes(folder_.path()));
    dataset_ = data::open_dataset(config_.data.eval.at("val"));
    torch::manual_seed(3);
    predictor_ = make_predictor(config_);
  }

  static std::unique_ptr<inference::Predictor> make_predictor(const RunConfig& config) {
    return std::make_unique<inference::Predictor>(
        inference::build_model(config), config,
        text::make_tokenizer(config.model.text_encoder.tokenizer));
  }

  Evaluation run(std::int64_t batch_size, std::int64_t workers) const {
    return evaluate(*predictor_, "val", dataset_, {.batch_size = batch_size, .workers = workers})
        .value();
  }

  testing::TemporaryFolder folder_;
  RunConfig config_;
  data::Dataset dataset_;
  std::unique_ptr<inference::Predictor> predictor_;
};

TEST_F(EvaluatorTest, WorkersDoNotMatter) {
  const Evaluation expected = run(3, 0);
  ASSERT_EQ(expected.results.size(), dataset_.examples.size());
  for (std::size_t i = 0; i < expected.results.size(); ++i) {
    EXPECT_EQ(expected.results[i].id, dataset_.examples[i].id);
    EXPECT_EQ(expected.results[i].target, dataset_.examples[i].box);
  }
  for (const std::int64_t workers : {1, 3}) {
    const Evaluation evaluation = run(3, workers);
    EXPECT_EQ(evaluation.metrics.ious(), expected.metrics.ious());
    for (std::size_t i = 0; i < expected.results.size(); ++i) {
      EXPECT_EQ(evaluation.results[i].box, expected.results[i].box);
    }
  }
}

TEST_F(EvaluatorTest, BatchSizeChangesNoHit) {
  const Evaluation expected = run(3, 0);
  for (const std::int64_t batch_size : {1, 7, 50}) {
    const Evaluation evaluation = run(batch_size, 2);
    EXPECT_EQ(evaluation.metrics.hits(0.5F), expected.metrics.hits(0.5F));
    EXPECT_NEAR(evaluation.metrics.mean_iou(), expected.metrics.mean_iou(), 1e-6);
  }
}

TEST_F(EvaluatorTest, ABoxModelComparesNoMasks) {
  const Evaluation expected = run(3, 0);
  dataset_ = data::open_dataset(config_.data.eval.at("val"), data::Masks::kRead);
  ASSERT_NE(dataset_.examples[0].mask, nullptr);
  const Evaluation evaluation = run(3, 0);
  EXPECT_EQ(evaluation.metrics.ious(), expected.metrics.ious());
  EXPECT_FALSE(evaluation.masks.has_value());
  EXPECT_FALSE(evaluation.results[0].mask.has_value());
}

TEST_F(EvaluatorTest, StopsBetweenBatches) {
  int asked = 0;
  const auto stopped = evaluate(*predictor_, "val", dataset_,
                                {.batch_size = 2, .stop = [&] { return ++asked == 2; }});
  EXPECT_FALSE(stopped.has_value());
}

TEST_F(EvaluatorTest, JsonHasTheDocumentedForm) {
  Evaluation evaluation = run(3, 0);
  evaluation.missing = 2;
  const auto json = nlohmann::json::parse(evaluations_json(std::span(&evaluation, 1)));
  EXPECT_EQ(json["schema_version"], 1);
  const auto& result = json["results"].at(0);
  EXPECT_EQ(result["dataset"], "val");
  EXPECT_EQ(result["samples"], 7);
  EXPECT_EQ(result["missing"], 2);
  EXPECT_EQ(result["mean_iou"].get<double>(), evaluation.metrics.mean_iou());
  for (const char* key : {"prec@0.5", "prec@0.6", "prec@0.7", "prec@0.8", "prec@0.9", "seconds"}) {
    EXPECT_TRUE(result.contains(key)) << key;
  }
}

TEST_F(EvaluatorTest, PredictionsAreWrittenInOrder) {
  const Evaluation evaluation = run(3, 2);
  const Path path = folder_.path() / "predictions.jsonl";
  write_predictions(path, std::span(&evaluation, 1));
  std::istringstream lines(read_text_file(path));
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto json = nlohmann::json::parse(line);
    const SampleResult& result = evaluation.results.at(count);
    EXPECT_EQ(json["id"], result.id);
    EXPECT_EQ(json["expression"], result.expression);
    EXPECT_EQ(json["box"][2].get<double>(), result.box.x2);
    EXPECT_EQ(json["target"][0].get<double>(), result.target.x1);
    EXPECT_TRUE(json["score"].is_null());
    EXPECT_EQ(json["iou"].get<float>(), result.iou);
  }
  EXPECT_EQ(count, evaluation.results.size());
}

/// The same data and a model with a mask head.
class MaskEvaluatorTest : public EvaluatorTest {
 protected:
  MaskEvaluatorTest() {
    config_.model.heads.mask = decoders::MaskHeadConfig{.width = 8, .threshold = 0.5};
    dataset_ = data::open_dataset(config_.data.eval.at("val"), data::Masks::kRead);
    predictor_ = make_predictor(config_);
  }

  static nlohmann::json json_of(const Evaluation& evaluation) {
    return nlohmann::json::parse(evaluations_json(std::span(&evaluation, 1)))["results"][0];
  }
};

TEST_F(MaskEvaluatorTest, MasksAreComparedInTheOriginalPicture) {
  const Evaluation evaluation = run(3, 0);
  ASSERT_TRUE(evaluation.masks.has_value());
  EXPECT_EQ(evaluation.masks->count(), 7);
  for (std::size_t i = 0; i < evaluation.results.size(); ++i) {
    const SampleResult& result = evaluation.results[i];
    ASSERT_TRUE(result.mask.has_value());
    const formats::Rle& target = *dataset_.examples[i].mask->rle;
    EXPECT_EQ(result.mask->width, 64);
    EXPECT_EQ(result.mask_iou.value(),
              metrics::mask_iou(metrics::mask_overlap(*result.mask, target)));
  }
}

TEST_F(MaskEvaluatorTest, WorkersDoNotMatter) {
  const Evaluation expected = run(3, 0);
  const Evaluation evaluation = run(3, 3);
  EXPECT_EQ(evaluation.masks->overlaps(), expected.masks->overlaps());
  for (std::size_t i = 0; i < expected.results.size(); ++i) {
    EXPECT_EQ(evaluation.results[i].mask, expected.results[i].mask);
  }
}

TEST_F(MaskEvaluatorTest, BoxAndMaskFiguresStandSideBySide) {
  const Evaluation evaluation = run(3, 0);
  const auto json = json_of(evaluation);
  EXPECT_EQ(json["mask_samples"], 7);
  for (const char* key : {"prec@0.5", "mean_iou", "mask_prec@0.5", "mask_prec@0.6", "mask_prec@0.7",
                          "mask_prec@0.8", "mask_prec@0.9", "mask_mean_iou", "mask_overall_iou"}) {
    EXPECT_TRUE(json[key].is_number()) << key;
  }
  EXPECT_EQ(json["mask_mean_iou"].get<double>(), evaluation.masks->mean_iou());
  const std::string table = evaluations_table(std::span(&evaluation, 1));
  for (const char* word : {"prec@0.5", "overall_iou", " box ", " mask "}) {
    EXPECT_NE(table.find(word), std::string::npos) << word;
  }
}

TEST_F(MaskEvaluatorTest, ExpressionsWithoutMaskAreLeftOutAndCounted) {
  dataset_.examples[1].mask = nullptr;
  dataset_.examples[4].mask = nullptr;
  const Evaluation some = run(3, 0);
  EXPECT_EQ(some.metrics.count(), 7);
  EXPECT_EQ(some.masks->count(), 5);
  EXPECT_TRUE(some.results[1].mask.has_value());
  EXPECT_FALSE(some.results[1].mask_iou.has_value());
  for (data::Example& example : dataset_.examples) example.mask = nullptr;
  const Evaluation none = run(3, 0);
  const auto json = json_of(none);
  EXPECT_EQ(json["mask_samples"], 0);
  EXPECT_FALSE(json.contains("mask_mean_iou"));
  EXPECT_NE(evaluations_table(std::span(&none, 1)).find("none annotated"), std::string::npos);
}

TEST_F(MaskEvaluatorTest, AMaskOfAnotherSizeEndsTheEvaluation) {
  dataset_.examples[2].mask = std::make_shared<formats::Segmentation>(
      formats::Segmentation{{}, formats::Rle{64, 63, {64 * 63}}});
  try {
    run(3, 1);
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(dataset_.examples[2].image.string()),
                                    HasSubstr("the mask of example val-000002:"),
                                    HasSubstr("a mask of 63 x 64 pixels")));
  }
}

TEST_F(MaskEvaluatorTest, PredictionsHaveTheMask) {
  dataset_.examples[1].mask = nullptr;
  const Evaluation evaluation = run(3, 2);
  const Path path = folder_.path() / "predictions.jsonl";
  write_predictions(path, std::span(&evaluation, 1));
  std::istringstream lines(read_text_file(path));
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto json = nlohmann::json::parse(line);
    const SampleResult& result = evaluation.results.at(count);
    EXPECT_EQ(json["mask"]["size"], (nlohmann::json{64, 64}));
    EXPECT_EQ(formats::decode_rle_counts(json["mask"]["counts"].get<std::string>()),
              result.mask->counts);
    if (count == 1) {
      EXPECT_TRUE(json["mask_iou"].is_null());
    } else {
      EXPECT_EQ(json["mask_iou"].get<float>(), result.mask_iou.value());
    }
  }
  EXPECT_EQ(count, 7U);
}

}  // namespace
}  // namespace referent::engine
