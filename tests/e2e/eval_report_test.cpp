// SPDX-License-Identifier: Apache-2.0
// What `eval` tells beside its figures, and predictions without a model.
#include <fstream>

#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class EvalReportTest : public ::testing::Test {
 protected:
  ProcessResult eval(const Words& more) const {
    Words words{"eval"};
    words.insert(words.end(), more.begin(), more.end());
    return referent(words);
  }

  /// Predictions of the tiny model.
  Path predictions() const {
    const Path file = folder_.path() / "predictions.jsonl";
    EXPECT_THAT(eval({tiny_.checkpoint(), "--save-predictions", file, "--quiet"}), ExitsWith(0));
    return file;
  }

  Path at(const std::string& name) const { return folder_.path() / name; }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

TEST_F(EvalReportTest, IntervalsAndBreakdownStandBesideTheFigures) {
  const ProcessResult result = eval({tiny_.checkpoint(), "--intervals", "--breakdown", "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json val = document(result)["results"][0];
  for (const char* key : {"prec@0.5", "mean_iou"}) {
    EXPECT_LE(val["intervals"][key][0], val[key]) << key;
    EXPECT_GE(val["intervals"][key][1], val[key]) << key;
  }
  for (const char* by : {"words", "box_share", "spatial_words"}) {
    std::int64_t samples = 0;
    double hits = 0;
    for (const Json& row : val["breakdown"][by]) {
      samples += row["samples"].get<std::int64_t>();
      hits += row["samples"].get<double>() * row["prec@0.5"].get<double>();
    }
    EXPECT_EQ(samples, 12) << by;
    EXPECT_NEAR(hits / 12, val["prec@0.5"].get<double>(), 1e-9) << by;
  }
  EXPECT_FALSE(val["breakdown"].contains("same_class"));  // scenes do not tell

  const ProcessResult table = eval({tiny_.checkpoint(), "--intervals", "--breakdown", "-q"});
  EXPECT_THAT(table.out, AllOf(HasSubstr("95 % intervals"), HasSubstr("words that say where")));
}

TEST_F(EvalReportTest, SavedPredictionsScoreAsTheirModelDid) {
  const Path file = predictions();
  Json expected = document(eval({tiny_.checkpoint(), "--breakdown", "--intervals", "--json"}));
  Json scored = document(eval({"--predictions", file, "--breakdown", "--intervals", "--json"}));
  for (Json* json : {&expected, &scored}) (*json)["results"][0].erase("seconds");
  EXPECT_EQ(scored, expected);
}

TEST_F(EvalReportTest, APredictionThatIsWrongIsNamed) {
  const Path file = at("mine.jsonl");
  std::ofstream(file) << read_text_file(predictions()) << "{\"image\": \"a.jpg\"}\n";
  const ProcessResult result = eval({"--predictions", file, "--json"});
  EXPECT_THAT(result, Fails(3, {"mine.jsonl:13", "\"expression\" is missing"}));
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(eval({"--predictions", at("absent.jsonl")}), Fails(3, {"absent.jsonl"}));
  EXPECT_THAT(eval({"--predictions", tiny_.picture()}), Fails(3, {"val-000003.png:1"}));
}

TEST_F(EvalReportTest, EitherACheckpointOrPredictionsAreMeasured) {
  EXPECT_THAT(eval({}), Fails(2, {"checkpoint", "--predictions"}));
  EXPECT_THAT(eval({tiny_.checkpoint(), "--predictions", "x.jsonl"}), Fails(2, {"--predictions"}));
  EXPECT_THAT(eval({"--predictions", "x.jsonl", "--exchange-expressions"}),
              Fails(2, {"--exchange-expressions"}));
}

TEST_F(EvalReportTest, TwoCheckpointsAreComparedSampleBySample) {
  const Words words{tiny_.checkpoint(), "--compare", tiny_.mask_checkpoint(), "--json"};
  const ProcessResult result = eval(words);
  EXPECT_THAT(result, ExitsWith(0));
  const Json json = document(result);
  const Json& comparison = json["comparison"];
  EXPECT_EQ(comparison["with"], tiny_.mask_checkpoint().string());
  const Json alone = document(eval({tiny_.mask_checkpoint(), "--json"}))["results"][0];
  EXPECT_EQ(comparison["with_results"][0]["mean_iou"], alone["mean_iou"]);
  ASSERT_THAT(comparison["rows"], SizeIs(1));
  const Json& row = comparison["rows"][0];
  EXPECT_EQ(row["samples"], 12);
  EXPECT_EQ(row["prec@0.5"]["a"], json["results"][0]["prec@0.5"]);
  EXPECT_NEAR(row["mean_iou"]["difference"].get<double>(),
              alone["mean_iou"].get<double>() - json["results"][0]["mean_iou"].get<double>(),
              1e-12);
  EXPECT_LE(row["mean_iou"]["interval"][0], row["mean_iou"]["difference"]);
  for (const char* key : {"prec@0.5", "mean_iou"}) {
    EXPECT_GT(row[key]["p"], 0.0);
    EXPECT_LE(row[key]["p"], 1.0);
  }
  EXPECT_EQ(document(eval(words))["comparison"]["rows"], comparison["rows"]);
  EXPECT_THAT(eval({tiny_.checkpoint(), "--compare", tiny_.mask_checkpoint(), "-q"}).out,
              AllOf(HasSubstr("B is"), HasSubstr("McNemar")));
}

TEST_F(EvalReportTest, APredictionsFileIsComparedAsACheckpointIs) {
  const Path file = predictions();
  const Json same =
      document(eval({tiny_.checkpoint(), "--compare", file, "--json"}))["comparison"]["rows"][0];
  EXPECT_EQ(same["prec@0.5"]["only_a"], 0);
  EXPECT_EQ(same["prec@0.5"]["only_b"], 0);
  EXPECT_EQ(same["mean_iou"]["interval"], (Json{0.0, 0.0}));
  const Json expected = document(
      eval({tiny_.checkpoint(), "--compare", tiny_.mask_checkpoint(), "--json"}))["comparison"];
  const Json rows = document(eval({"--predictions", file, "--compare", tiny_.mask_checkpoint(),
                                   "--json"}))["comparison"]["rows"];
  EXPECT_EQ(rows, expected["rows"]);

  const std::string lines = read_text_file(file);
  std::ofstream(at("fewer.jsonl")) << lines.substr(lines.find('\n') + 1);
  EXPECT_THAT(eval({tiny_.checkpoint(), "--compare", at("fewer.jsonl")}),
              Fails(3, {"12 and 11", "val-000000"}));
  EXPECT_THAT(eval({tiny_.checkpoint(), "--compare", at("absent")}), Fails(4, {"absent"}));
}

TEST_F(EvalReportTest, TheBestAndTheWorstAreDrawnOnOneSheet) {
  const Path sheet = at("sheet.png");
  EXPECT_THAT(eval({tiny_.mask_checkpoint(), "--sheet", sheet, "--sheet-count", "3", "-q"}),
              ExitsWith(0));
  EXPECT_THAT(read_text_file(sheet), StartsWith("\x89PNG"));
  // Predictions name their pictures, so that no model is needed.
  const Path again = at("again.jpg");
  EXPECT_THAT(eval({"--predictions", predictions(), "--sheet", again, "-q"}), ExitsWith(0));
  EXPECT_THAT(read_text_file(again), StartsWith("\xFF\xD8\xFF"));
  EXPECT_THAT(eval({tiny_.checkpoint(), "--sheet", at("sheet.gif")}), Fails(2, {"sheet.gif"}));
}

TEST_F(EvalReportTest, BFloat16GivesNearlyTheSame) {
  const Json expected = document(eval({tiny_.checkpoint(), "--json"}))["results"][0];
  const Json low =
      document(eval({tiny_.checkpoint(), "--dtype", "bfloat16", "--json"}))["results"][0];
  EXPECT_NEAR(low["mean_iou"].get<double>(), expected["mean_iou"].get<double>(), 0.02);
  EXPECT_NE(low["mean_iou"], expected["mean_iou"]);
  EXPECT_THAT(eval({tiny_.checkpoint(), "--dtype", "float16"}), Fails(2, {"float16", "GPU"}));
  EXPECT_THAT(eval({tiny_.checkpoint(), "--dtype", "int8"}), Fails(2, {"--dtype"}));
}

}  // namespace
}  // namespace referent::testing
