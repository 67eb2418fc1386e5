// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/evaluation_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "referent/engine/breakdown.h"
#include "referent/engine/intervals.h"

namespace referent::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// Four expressions about two pictures of 100 x 100 pixels.
Evaluation some_results() {
  Evaluation evaluation;
  evaluation.dataset = "val";
  const auto add = [&](const char* image, const char* expression, double side, float iou,
                       std::int64_t same_class) {
    SampleResult result{std::to_string(evaluation.results.size()),
                        image,
                        expression,
                        {0, 0, side, side},
                        {0, 0, side, side},
                        {},
                        iou};
    result.width = 100;
    result.height = 100;
    result.same_class = same_class;
    evaluation.metrics.add(evaluation.metrics.count(), iou);
    evaluation.results.push_back(result);
  };
  add("a.jpg", "dog", 10, 0.9F, 1);
  add("a.jpg", "the dog  on the left", 50, 0.4F, 2);
  add("b.jpg", "a big brown dog that looks at us\tfrom behind a tree", 9.9, 0.5F, 7);
  add("b.jpg", "red one", 20, 0.1F, 0);
  return evaluation;
}

const Breakdown& named(const std::vector<Breakdown>& all, const std::string& by) {
  for (const Breakdown& breakdown : all) {
    if (breakdown.by == by) return breakdown;
  }
  throw std::logic_error("no breakdown by " + by);
}

void expect_rows(const Breakdown& breakdown,
                 const std::vector<std::tuple<std::string, std::int64_t, double, double>>& rows) {
  ASSERT_EQ(breakdown.rows.size(), rows.size()) << breakdown.by;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [group, samples, precision, mean_iou] = rows[i];
    EXPECT_EQ(breakdown.rows[i].group, group);
    EXPECT_EQ(breakdown.rows[i].samples, samples) << group;
    EXPECT_NEAR(breakdown.rows[i].precision, precision, 1e-9) << group;
    EXPECT_NEAR(breakdown.rows[i].mean_iou, mean_iou, 1e-6) << group;
  }
}

TEST(BreakdownTest, EverySampleIsInItsGroup) {
  const std::vector<Breakdown> all = breakdowns(some_results());
  EXPECT_EQ(all.size(), 4U);
  expect_rows(named(all, "words"),
              {{"1-2", 2, 0.5, 0.5}, {"3-5", 1, 0, 0.4}, {"11 and more", 1, 1, 0.5}});
  expect_rows(named(all, "box_share"),
              {{"below 1 %", 1, 1, 0.5}, {"1 to 5 %", 2, 0.5, 0.5}, {"from 20 %", 1, 0, 0.4}});
  expect_rows(named(all, "spatial_words"), {{"without", 2, 0.5, 0.5}, {"with", 2, 0.5, 0.45}});
  expect_rows(named(all, "same_class"),
              {{"1", 1, 1, 0.9}, {"2", 1, 0, 0.4}, {"6 and more", 1, 1, 0.5}});
}

TEST(BreakdownTest, WhatIsKnownOfNoSampleIsLeftOut) {
  Evaluation evaluation = some_results();
  for (SampleResult& result : evaluation.results) {
    result.same_class = 0;
    result.height = 0;
  }
  const std::vector<Breakdown> all = breakdowns(evaluation);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].by, "words");
  EXPECT_EQ(all[1].by, "spatial_words");
  EXPECT_TRUE(breakdowns({}).empty());
}

TEST(IntervalsTest, HoldTheMeasuredValueAndRepeat) {
  const Evaluation evaluation = some_results();
  EXPECT_EQ(picture_groups(evaluation), (std::vector<std::int64_t>{0, 0, 1, 1}));
  const Intervals found = intervals(evaluation);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].first, "prec@0.5");
  EXPECT_EQ(found[1].first, "mean_iou");
  // Two pictures: either of them twice is within the middle 95 %.
  EXPECT_NEAR(found[1].second.low, 0.3, 1e-6);
  EXPECT_NEAR(found[1].second.high, 0.65, 1e-6);
  EXPECT_EQ(intervals(evaluation)[1].second.low, found[1].second.low);
  EXPECT_TRUE(intervals({}).empty());
}

TEST(IntervalsTest, MasksHaveTheirOwnOverPicturesThatHaveSome) {
  Evaluation evaluation = some_results();
  evaluation.results[2].mask_iou = 0.5F;
  evaluation.results[3].mask_iou = 0.7F;
  const Intervals found = intervals(evaluation);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[2].first, "mask_prec@0.5");
  EXPECT_NEAR(found[2].second.low, 0.5, 1e-9);  // a mask of IoU 0.5 is no hit
  EXPECT_EQ(found[3].first, "mask_mean_iou");
  EXPECT_NEAR(found[3].second.high, 0.6, 1e-6);
}

TEST(EvaluationReportTest, TheDocumentHasTheDocumentedForm) {
  const Evaluation evaluation = some_results();
  const std::span<const Evaluation> all(&evaluation, 1);
  EXPECT_EQ(report_json(all, {}), evaluations_json(all));

  Compared compared{"b.jsonl", {evaluation}, {compare(evaluation, evaluation)}};
  const Json json =
      Json::parse(report_json(all, {.intervals = true, .breakdown = true}, &compared));
  EXPECT_EQ(json["schema_version"], 1);
  const Json& result = json["results"][0];
  EXPECT_EQ(result["samples"], 4);
  EXPECT_EQ(result["prec@0.5"], 0.5);
  EXPECT_EQ(result["intervals"]["level"], 0.95);
  EXPECT_EQ(result["intervals"]["mean_iou"].size(), 2U);
  EXPECT_EQ(result["breakdown"]["words"][0]["group"], "1-2");
  EXPECT_EQ(result["breakdown"]["same_class"][1]["samples"], 1);
  const Json& comparison = json["comparison"];
  EXPECT_EQ(comparison["with"], "b.jsonl");
  EXPECT_EQ(comparison["with_results"][0]["dataset"], "val");
  const Json& row = comparison["rows"][0];
  EXPECT_EQ(row["samples"], 4);
  EXPECT_EQ(row["prec@0.5"]["both"], 2);
  EXPECT_EQ(row["prec@0.5"]["p"], 1.0);
  EXPECT_EQ(row["mean_iou"]["difference"], 0.0);
  EXPECT_EQ(row["mean_iou"]["interval"], (Json{0.0, 0.0}));
}

TEST(EvaluationReportTest, PeopleGetTables) {
  const Evaluation evaluation = some_results();
  const std::span<const Evaluation> all(&evaluation, 1);
  EXPECT_EQ(report_table(all, {}), evaluations_table(all));
  const Compared compared{"b.jsonl", {evaluation}, {compare(evaluation, evaluation)}};
  const std::string table = report_table(all, {.intervals = true, .breakdown = true}, &compared);
  for (const char* words : {"95 % intervals", "30.00 to 65.00", "words of the expression",
                            "objects of its class", "B is b.jsonl", "only A 0"}) {
    EXPECT_THAT(table, HasSubstr(words));
  }
  EXPECT_THAT(report_table(all, {.intervals = true}), Not(HasSubstr("words of")));
}

}  // namespace
}  // namespace referent::engine
