// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/evaluator.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "referent/inference/build.h"
#include "referent/text/config.h"
#include "support/tiny_run.h"

namespace referent::engine {
namespace {

class EvaluatorTest : public ::testing::Test {
 protected:
  EvaluatorTest() {
    config_ = testing::tiny_config(testing::tiny_scenes(folder_.path()));
    dataset_ = data::open_dataset(config_.data.eval.at("val"));
    torch::manual_seed(3);
    predictor_ = std::make_unique<inference::Predictor>(
        inference::build_model(config_), config_,
        text::make_tokenizer(config_.model.text_encoder.tokenizer));
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

}  // namespace
}  // namespace referent::engine
