// SPDX-License-Identifier: Apache-2.0
#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

TEST(BenchTest, TheLoadersRowsHaveTheirKeysAndTheirFloor) {
  const ProcessResult result =
      referent({"bench", "loader", "--pictures", "2", "--rounds", "1", "--batch", "2",
                "--image-size", "64", "--workers", "2", "--json"});
  ASSERT_THAT(result, ExitsWith(0));
  const Json bench = document(result);
  EXPECT_EQ(bench.value("schema_version", 0), 1);
  EXPECT_TRUE(bench.contains("machine"));
  Words names;
  for (const Json& row : bench.at("rows")) {
    names.push_back(row.at("name"));
    for (const char* key : {"median_ms", "min_ms", "max_ms", "images_per_second"}) {
      EXPECT_GT(row.at(key).get<double>(), 0) << row;
    }
    EXPECT_EQ(row.at("rounds"), 1);
    for (const char* key : {"rival", "rival_median_ms", "ratio", "max_difference"}) {
      EXPECT_TRUE(row.contains(key)) << row;
    }
  }
  for (const char* name : {"bare JPEG decode", "eval sample", "train sample", "collate",
                           "loader eval, workers 1", "loader train, workers 2"}) {
    EXPECT_THAT(names, Contains(name));
  }
  const Json& eval = bench.at("rows").at(1);
  EXPECT_EQ(eval.at("max_difference"), 0);
  EXPECT_EQ(eval.at("floor_ms"), bench.at("rows").at(0).at("median_ms"));
  EXPECT_TRUE(eval.contains("percent_of_floor"));
}

TEST(BenchTest, AFolderWithoutJpegFilesIsTold) {
  const TemporaryFolder folder;
  EXPECT_THAT(referent({"bench", "loader", "--images", folder.path().string()}),
              Fails(3, {folder.path().string(), ".jpg"}));
}

TEST(BenchTest, OpsAreARowForEachOpPassAndRival) {
  for (const char* dtype : {"float32", "bfloat16"}) {
    const ProcessResult result = referent({"bench", "ops", "--image-size", "64", "--batch", "2",
                                           "--rounds", "1", "--dtype", dtype, "--json"});
    EXPECT_THAT(result, ExitsWith(0));
    const Json json = document(result);
    EXPECT_EQ(json["schema_version"], 1);
    EXPECT_EQ(json["machine"]["device"], "cpu");
    ASSERT_EQ(json["rows"].size(), 20) << "5 ops, 2 passes, 2 rivals";
    for (const Json& row : json["rows"]) {
      EXPECT_THAT(row["name"].get<std::string>(), HasSubstr(dtype));
      for (const char* key : {"median_ms", "min_ms", "max_ms", "rival_median_ms", "ratio",
                              "floor_ms", "percent_of_floor"}) {
        EXPECT_GT(row[key].get<double>(), 0) << key;
      }
      EXPECT_EQ(row["rounds"], 1);
      EXPECT_THAT((std::vector<std::string>{"composition", "released"}),
                  Contains(row["rival"].get<std::string>()));
      EXPECT_GE(row["max_difference"].get<double>(), 0);
    }
  }
}

TEST(BenchTest, TheOptimizerStepsAsLibTorchsDoes) {
  const ProcessResult result =
      referent({"bench", "optimizer", "--preset", "transvg-r50", "--rounds", "1", "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json json = document(result);
  ASSERT_EQ(json["rows"].size(), 1);
  const Json& row = json["rows"][0];
  EXPECT_EQ(row["rival"], "torch::optim");
  EXPECT_LT(row["max_difference"].get<double>(), 1e-6);
  EXPECT_GT(row["floor_ms"].get<double>(), 0);
}

TEST(BenchTest, OpsRefuseATypeTheyDoNotMeasure) {
  EXPECT_THAT(referent({"bench", "ops", "--dtype", "int8"}), Fails(2, {"--dtype", "bfloat16"}));
}

}  // namespace
}  // namespace referent::testing
