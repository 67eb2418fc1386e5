// SPDX-License-Identifier: Apache-2.0
#include "referent/data/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "referent/core/file.h"
#include "referent/data/words.h"
#include "referent/formats/refer.h"
#include "support/temporary_folder.h"

namespace referent::data {
namespace {

using ::testing::HasSubstr;

TEST(StatisticsTest, PercentilesAreValuesThatOccur) {
  std::vector<double> values;
  for (int i = 100; i > 0; --i) values.push_back(i);
  const Distribution d = distribution_of(values);
  EXPECT_EQ(d.count, 100);
  EXPECT_EQ(d.mean, 50.5);
  EXPECT_EQ(d.minimum, 1);
  EXPECT_EQ(d.median, 50);
  EXPECT_EQ(d.percentile_95, 95);
  EXPECT_EQ(d.maximum, 100);
  EXPECT_EQ(distribution_of({7}).median, 7);
  EXPECT_EQ(distribution_of({}).count, 0);
}

TEST(StatisticsTest, SpatialWordsAreWords) {
  for (const char* text :
       {"left dog", "man BEHIND the car", "the one next to it", "leftmost cup"}) {
    EXPECT_TRUE(has_spatial_word(text)) << text;
  }
  for (const char* text : {"bright leftovers", "red topping", "a cat", ""}) {
    EXPECT_FALSE(has_spatial_word(text)) << text;
  }
}

TEST(StatisticsTest, ASplitIsDescribed) {
  const testing::TemporaryFolder folder;
  formats::Instances instances;
  instances.images.push_back({1, "1.jpg", 100, 50});
  instances.images.push_back({2, "2.jpg", 100, 50});
  instances.categories.push_back({3, "cat"});
  const auto annotate = [&](std::int64_t id, std::int64_t image, double side) {
    formats::Annotation annotation;
    annotation.id = id;
    annotation.image_id = image;
    annotation.category_id = 3;
    annotation.bbox = {0, 0, side, side};
    instances.annotations.push_back(annotation);
  };
  annotate(1, 1, 10);
  annotate(2, 1, 50);
  annotate(3, 1, 5);
  annotate(4, 2, 100);
  formats::write_instances(folder.path() / "instances.json", instances);
  formats::write_references(folder.path() / "refs(me).p",
                            {{1, 1, 3, 1, "", "val", {{1, "", "left cat"}, {2, "", "Cat"}}},
                             {2, 2, 3, 1, "", "val", {{3, "", "the big cat"}}},
                             {3, 4, 3, 2, "", "val", {{4, "", "cat"}}},
                             {4, 4, 3, 2, "", "test", {{5, "", "cat"}}}});
  DatasetConfig config;
  config.format = DatasetFormat::kRefer;
  config.path = folder.path();
  const auto splits = statistics_of(read_annotations(config, Masks::kIgnore));
  ASSERT_EQ(splits.size(), 2U);
  const SplitStatistics& val = splits[0];
  EXPECT_EQ(val.split, "val");
  EXPECT_EQ(val.counts, (Counts{4, 2, 3}));
  EXPECT_EQ(val.distinct_words, 4);
  EXPECT_EQ(val.words.mean, 1.75);
  EXPECT_EQ(val.image_expressions.maximum, 3);
  EXPECT_EQ(val.spatial, 1);
  EXPECT_EQ(val.small, 1);
  EXPECT_EQ(val.medium, 1);
  EXPECT_EQ(val.large, 1);
  EXPECT_EQ(val.box_side.median, 50);
  EXPECT_EQ(val.box_share.minimum, 0.02);
  EXPECT_EQ(val.same_class.count, 3);
  EXPECT_EQ(val.same_class.maximum, 3);
  EXPECT_EQ(val.same_class.minimum, 1);
  const auto document = nlohmann::json::parse(statistics_json(splits));
  EXPECT_EQ(document["schema_version"], 1);
  EXPECT_EQ(document["splits"][0]["words"]["mean"], 1.75);
  EXPECT_EQ(document["splits"][1]["expressions"], 1);
  EXPECT_THAT(statistics_table(splits), HasSubstr("with a spatial word"));
}

}  // namespace
}  // namespace referent::data
