// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// All of a result but its time.
Json numbers(const ProcessResult& result) {
  EXPECT_THAT(result, ExitsWith(0));
  Json results = document(result)["results"];
  for (Json& entry : results) entry.erase("seconds");
  return results;
}

class EvalTest : public ::testing::Test {
 protected:
  ProcessResult eval(const Words& more) const {
    Words words{"eval", tiny_.checkpoint()};
    words.insert(words.end(), more.begin(), more.end());
    return referent(words);
  }

  Path lines(const std::string& text) const {
    std::ofstream(folder_.path() / "lines.jsonl") << text;
    return folder_.path() / "lines.jsonl";
  }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

TEST_F(EvalTest, TheDocumentHasTheCountsAndShares) {
  const ProcessResult result = eval({"--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json json = document(result);
  EXPECT_EQ(json["schema_version"], 1);
  ASSERT_THAT(json["results"], SizeIs(1));
  const Json& val = json["results"][0];
  EXPECT_EQ(val["dataset"], "val");
  EXPECT_EQ(val["split"], "");
  EXPECT_EQ(val["samples"], 12);
  EXPECT_EQ(val["missing"], 0);
  double above = 1;
  for (const char* key : {"prec@0.5", "prec@0.6", "prec@0.7", "prec@0.8", "prec@0.9"}) {
    ASSERT_TRUE(val[key].is_number()) << key;
    EXPECT_LE(val[key].get<double>(), above);
    above = val[key];
  }
  EXPECT_GT(val["mean_iou"], 0.0);
  EXPECT_LT(val["mean_iou"], 1.0);
  EXPECT_GT(val["seconds"], 0.0);
}

TEST_F(EvalTest, PeopleGetATableInPercent) {
  const ProcessResult result = eval({"--data", "val", "--quiet"});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.out, HasSubstr("prec@0.5"));
  EXPECT_THAT(result.out, HasSubstr("val"));
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(EvalTest, WorkersAndTheWayToNameTheDataChangeNoNumber) {
  const Json expected = numbers(eval({"--data", "val", "--json", "--workers", "0"}));
  EXPECT_EQ(numbers(eval({"--data", "val", "--json", "--workers", "3"})), expected);
  const std::string path = "jsonl:" + (tiny_.scenes() / "val.jsonl").string();
  EXPECT_EQ(numbers(eval({"--data", path, "--json"})), expected);
  EXPECT_EQ(numbers(eval({"--data", path + ":val", "--json"}))[0]["split"], "val");
}

TEST_F(EvalTest, PredictionsFollowTheOrderOfTheData) {
  const Path file = folder_.path() / "predictions.jsonl";
  const Json result = numbers(eval({"--save-predictions", file, "--json"}))[0];
  const std::vector<Json> predictions = json_lines(file);
  const std::vector<Json> examples = json_lines(tiny_.scenes() / "val.jsonl");
  ASSERT_THAT(predictions, SizeIs(12));
  double iou = 0;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const Json& prediction = predictions[i];
    EXPECT_EQ(prediction["id"], examples[i]["id"]);
    EXPECT_EQ(prediction["expression"], examples[i]["expression"]);
    EXPECT_TRUE(prediction["score"].is_null());
    EXPECT_THAT(prediction["box"], SizeIs(4));
    const Json& xywh = examples[i]["box"];
    EXPECT_EQ(prediction["target"][0], xywh[0].get<double>());
    EXPECT_EQ(prediction["target"][2], xywh[0].get<double>() + xywh[2].get<double>());
    for (const Json& coordinate : prediction["box"]) {
      EXPECT_GE(coordinate, 0.0);
      EXPECT_LE(coordinate, 64.0);
    }
    iou += prediction["iou"].get<double>();
  }
  EXPECT_NEAR(iou / 12, result["mean_iou"].get<double>(), 1e-6);
  EXPECT_THAT(entries(folder_.path()), SizeIs(1));
}

TEST_F(EvalTest, AMissingImageIsAnErrorUnlessItIsSkipped) {
  const Path file =
      lines(R"({"image": "images/val-000000.png", "expression": "the circle", "box": [1, 2, 9, 9]}
{"image": "images/gone.png", "expression": "the square", "box": [1, 2, 9, 9]})");
  const Words words{"--data", "jsonl:" + file.string(), "--images", tiny_.scenes(), "--json"};
  const ProcessResult refused = eval(words);
  EXPECT_THAT(refused, Fails(3, {file, "gone.png", "1 of 2"}));
  EXPECT_THAT(refused.out, IsEmpty());

  Words skip = words;
  skip.insert(skip.end(), {"--missing", "skip"});
  const Json result = numbers(eval(skip))[0];
  EXPECT_EQ(result["samples"], 1);
  EXPECT_EQ(result["missing"], 1);
}

TEST_F(EvalTest, AnnotationsThatAreWrongAreToldWithTheirLine) {
  const auto fails = [&](const std::string& text, const Words& words) {
    const Path file = lines(text);
    EXPECT_THAT(eval({"--data", "jsonl:" + file.string()}), Fails(3, words));
  };
  const std::string good = R"({"image": "a.png", "expression": "the circle", "box": [1, 2, 9, 9]})";
  fails(good + "\n{\"image\": ", {"lines.jsonl", "2"});
  fails(good + "\n" + R"({"image": "a.png", "expression": " ", "box": [1, 2, 9, 9]})",
        {"lines.jsonl", "2", "empty"});
  fails(good + "\n" + R"({"image": "a.png", "expression": "x", "box": [1, 2]})",
        {"lines.jsonl", "2", "box"});
  fails("", {"lines.jsonl", "no examples"});
}

TEST_F(EvalTest, ATornImageEndsTheEvaluationWithItsName) {
  std::ofstream(folder_.path() / "torn.png") << read_text_file(tiny_.picture()).substr(0, 600);
  const Path file = lines(R"({"image": "torn.png", "expression": "x", "box": [1, 2, 9, 9]})");
  const Path predictions = folder_.path() / "predictions.jsonl";
  EXPECT_THAT(eval({"--data", "jsonl:" + file.string(), "--save-predictions", predictions}),
              Fails(3, {"torn.png"}));
  EXPECT_FALSE(std::filesystem::exists(predictions));
}

TEST_F(EvalTest, DataOfAnUnknownNameIsToldWithTheForm) {
  EXPECT_THAT(eval({"--data", "tset"}), Fails(2, {"tset", "FORMAT:PATH[:SPLIT]"}));
  EXPECT_THAT(eval({"--data", "coco:x"}), Fails(2, {"coco:x", "jsonl, refer"}));
}

}  // namespace
}  // namespace referent::testing
