// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "referent/core/error.h"
#include "referent/core/random.h"

namespace referent::engine {
namespace {

using ::testing::HasSubstr;

/// Samples "0", "1", ... with these IoUs, two expressions a picture.
Evaluation evaluation_of(const std::vector<float>& ious, const std::string& dataset = "val") {
  Evaluation evaluation;
  evaluation.dataset = dataset;
  for (std::size_t i = 0; i < ious.size(); ++i) {
    SampleResult result;
    result.id = std::to_string(i);
    result.image = "picture-" + std::to_string(i / 2) + ".jpg";
    result.expression = "the thing";
    result.iou = ious[i];
    evaluation.metrics.add(static_cast<std::int64_t>(i), ious[i]);
    evaluation.results.push_back(result);
  }
  return evaluation;
}

TEST(ComparisonTest, CountsHitsOfEitherAndDifferences) {
  const Comparison row = compare(evaluation_of({0.9F, 0.5F, 0.2F, 0.0F, 0.6F}),
                                 evaluation_of({0.8F, 0.4F, 0.7F, 0.1F, 0.5F}));
  EXPECT_EQ(row.samples, 5);
  EXPECT_EQ(row.both, 2);
  EXPECT_EQ(row.only_a, 1);
  EXPECT_EQ(row.only_b, 1);
  EXPECT_DOUBLE_EQ(row.precision_a, 0.6);
  EXPECT_DOUBLE_EQ(row.precision_b, 0.6);
  EXPECT_EQ(row.precision_p, 1);
  EXPECT_NEAR(row.mean_iou_b - row.mean_iou_a, 0.06, 1e-6);
  EXPECT_LT(row.mean_iou_difference.low, 0.06);
  EXPECT_GT(row.mean_iou_difference.high, 0.06);
}

TEST(ComparisonTest, TheSameResultsDoNotDiffer) {
  const Evaluation same = evaluation_of({0.9F, 0.5F, 0.2F});
  const Comparison row = compare(same, same);
  EXPECT_EQ(row.precision_p, 1);
  EXPECT_EQ(row.mean_iou_p, 1);
  EXPECT_EQ(row.mean_iou_difference.low, 0);
  EXPECT_EQ(row.mean_iou_difference.high, 0);
}

TEST(ComparisonTest, ASmallDifferenceThatIsEverywhereIsFound) {
  RandomStream stream(3);
  std::vector<float> a(400);
  std::vector<float> b;
  for (float& iou : a) {
    iou = static_cast<float>(stream.uniform(0.1, 0.9));
    b.push_back(iou + static_cast<float>(stream.uniform(-0.05, 0.07)));
  }
  const Comparison row = compare(evaluation_of(a), evaluation_of(b));
  // The same differences between samples that are not paired would drown in their spread.
  EXPECT_LT(row.mean_iou_p, 0.001);
  EXPECT_GT(row.mean_iou_difference.low, 0);
  EXPECT_LT(row.mean_iou_difference.high, 0.02);
}

TEST(ComparisonTest, PairsAreFoundInAnyOrder) {
  const Evaluation a = evaluation_of({0.9F, 0.5F, 0.2F, 0.3F});
  Evaluation b = evaluation_of({0.1F, 0.6F, 0.7F, 0.4F});
  const Comparison expected = compare(a, b);
  std::swap(b.results[0], b.results[3]);
  const Comparison row = compare(a, b);
  EXPECT_EQ(row.only_a, expected.only_a);
  EXPECT_EQ(row.mean_iou_difference.low, expected.mean_iou_difference.low);
}

TEST(ComparisonTest, SamplesWithoutPartnerAreNamed) {
  const Evaluation a = evaluation_of({0.9F, 0.5F});
  Evaluation b = evaluation_of({0.9F, 0.5F, 0.1F});
  for (const bool exchanged : {false, true}) {
    try {
      compare(exchanged ? b : a, exchanged ? a : b);
      ADD_FAILURE() << "no error";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("only one has id 2"));
    }
  }
  b = a;
  b.results[1].expression = "another thing";
  EXPECT_THROW(compare(a, b), DataError);
  b = evaluation_of({0.9F, 0.5F});
  b.results[1].id = "0";  // the same sample twice
  EXPECT_THROW(compare(a, b), DataError);
}

TEST(ComparisonTest, DataSetsArePairedByName) {
  const std::vector<Evaluation> a{evaluation_of({0.9F}, "val"), evaluation_of({0.2F}, "testA")};
  const std::vector<Evaluation> b{evaluation_of({0.1F}, "testA"), evaluation_of({0.8F}, "val")};
  const std::vector<Comparison> rows = compare(a, b);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].dataset, "val");
  EXPECT_EQ(rows[0].both, 1);
  EXPECT_EQ(rows[1].dataset, "testA");
  EXPECT_EQ(rows[1].both, 0);
  EXPECT_THROW(compare(a, std::span(b).first(1)), DataError);
  EXPECT_THROW(compare(std::span(a).first(1), b), DataError);
  // Single ones are meant for each other, whatever a file that was made elsewhere is called.
  EXPECT_EQ(compare(std::span(a).last(1), std::vector<Evaluation>{evaluation_of({0.6F}, "mine")})
                .front()
                .only_b,
            1);
}

}  // namespace
}  // namespace referent::engine
