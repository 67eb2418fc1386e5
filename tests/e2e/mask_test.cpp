// SPDX-License-Identifier: Apache-2.0
// Masks as a user meets them: on the command line, in documents, and where they are wrong.
#include <fstream>

#include "e2e/program.h"
#include "referent/formats/rle.h"
#include "referent/image/decode.h"
#include "referent/image/encode.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* kExpression = "the red circle";

/// The mask of a document, whole.
formats::Rle rle_of(const Json& mask) {
  formats::Rle rle{mask["size"][0], mask["size"][1],
                   formats::decode_rle_counts(mask["counts"].get<std::string>())};
  EXPECT_NO_THROW(formats::check_rle(rle));
  return rle;
}

class MaskTest : public ::testing::Test {
 protected:
  Path lines(const std::string& text) const {
    std::ofstream(folder_.path() / "lines.jsonl") << text;
    return folder_.path() / "lines.jsonl";
  }

  /// A line about a held-out picture of 64 x 64 pixels with `more` keys.
  static std::string line(const std::string& more) {
    return R"({"image": "val-000000.png", "expression": "the circle", "box": [1, 2, 9, 9])" + more +
           "}\n";
  }

  ProcessResult eval(const std::string& text, const Words& more = {}) const {
    Words words{"eval",     tiny_.mask_checkpoint(),  "--data", "jsonl:" + lines(text).string(),
                "--images", tiny_.scenes() / "images"};
    words.insert(words.end(), more.begin(), more.end());
    return referent(words);
  }

  Path run() const { return folder_.path() / "run"; }

  /// Trains a mask head whose threshold makes every pixel one of the mask.
  ProcessResult train(const Words& more) const {
    Words words{"train", tiny_.config(),
                "--out", run(),
                "--set", "model.heads.mask.width=8",
                "--set", "model.heads.mask.threshold=0"};
    words.insert(words.end(), more.begin(), more.end());
    return referent(words);
  }

  /// The same for a model that has no box head beside it.
  ProcessResult train_masks_only(const Words& more) const {
    Words words{"--set", "model.heads.box=null", "--set", "train.best_metric=mask_mean_iou"};
    words.insert(words.end(), more.begin(), more.end());
    return train(words);
  }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

TEST_F(MaskTest, GroundGivesTheMaskOfThePicture) {
  const ProcessResult result = referent({"ground", tiny_.mask_checkpoint(), tiny_.picture(),
                                         kExpression, "the star", "--mask", "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json json = document(result);
  ASSERT_THAT(json["predictions"], SizeIs(2));
  for (const Json& prediction : json["predictions"]) {
    const formats::Rle mask = rle_of(prediction["mask"]);
    EXPECT_EQ(mask.height, 64);
    EXPECT_EQ(mask.width, 64);
  }
  const ProcessResult without =
      referent({"ground", tiny_.mask_checkpoint(), tiny_.picture(), kExpression, "--json"});
  EXPECT_FALSE(document(without)["predictions"][0].contains("mask"));
}

TEST_F(MaskTest, ThePictureIsTheUprightOne) {
  // This threshold puts about half of the pixels into the mask: a full or empty one would say
  // nothing of where they lie.
  ASSERT_THAT(
      train({"--set", "model.heads.mask.threshold=0.4", "--set", "train.max_steps=1", "--quiet"}),
      ExitsWith(0));
  const Path photos = Path(REFERENT_SOURCE_DIR) / "tests" / "golden" / "image";
  const auto prediction_for = [&](const Path& photo) {
    const ProcessResult result =
        referent({"ground", run() / "last", photo, kExpression, "--mask", "--json"});
    EXPECT_THAT(result, ExitsWith(0));
    return document(result)["predictions"][0];
  };
  EXPECT_EQ(prediction_for(photos / "orientation1.jpg")["mask"]["size"], (Json{17, 23}));
  const Json turned = prediction_for(photos / "orientation6.jpg");
  EXPECT_EQ(turned["mask"]["size"], (Json{23, 17}));
  EXPECT_EQ(turned["mask"]["size"], (Json{turned["height"], turned["width"]}));

  const Path upright = folder_.path() / "upright.png";
  image::save_image(upright,
                    image::decode_file(photos / "orientation6.jpg", image::Orientation::kApply));
  const Json expected = prediction_for(upright);
  const formats::Rle mask = rle_of(turned["mask"]);
  EXPECT_EQ(mask, rle_of(expected["mask"]));
  EXPECT_EQ(turned["box"], expected["box"]);
  EXPECT_GT(formats::rle_area(mask), 0U);
  EXPECT_LT(formats::rle_area(mask), 17U * 23U);
}

TEST_F(MaskTest, GroundDrawsTheMask) {
  ASSERT_THAT(train({"--set", "train.max_steps=1", "--quiet"}), ExitsWith(0));
  const Path checkpoint = run() / "last";
  const auto draw = [&](const std::string& name, const Words& more) {
    Words words{"ground",  checkpoint, tiny_.picture(),      kExpression,
                "--quiet", "--out",    folder_.path() / name};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_THAT(referent(words), ExitsWith(0));
    return read_text_file(folder_.path() / name);
  };
  const std::string with_mask = draw("mask.png", {"--mask"});
  const std::string box_only = draw("box.png", {});
  EXPECT_THAT(with_mask, StartsWith("\x89PNG"));
  EXPECT_THAT(box_only, StartsWith("\x89PNG"));
  EXPECT_TRUE(with_mask != box_only);
  const ProcessResult people =
      referent({"ground", checkpoint, tiny_.picture(), kExpression, "--mask"});
  EXPECT_THAT(people.out, HasSubstr("the red circle  (4096 pixels)"));
}

TEST_F(MaskTest, AModelWithoutMaskHeadIsToldSo) {
  const ProcessResult result =
      referent({"ground", tiny_.checkpoint(), tiny_.picture(), kExpression, "--mask", "--out",
                folder_.path() / "found.png", "--json"});
  EXPECT_THAT(result, Fails(4, {tiny_.checkpoint(), "no mask head", "--mask"}));
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_FALSE(fs::exists(folder_.path() / "found.png"));
}

TEST_F(MaskTest, EvalReportsBoxesAndMasksSideBySide) {
  const Path predictions = folder_.path() / "predictions.jsonl";
  const ProcessResult result =
      referent({"eval", tiny_.mask_checkpoint(), "--json", "--save-predictions", predictions});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.err, Not(HasSubstr("no annotated mask")));
  const Json val = document(result)["results"][0];
  EXPECT_EQ(val["samples"], 12);
  EXPECT_EQ(val["mask_samples"], 12);
  double above = 1;
  for (const char* key :
       {"mask_prec@0.5", "mask_prec@0.6", "mask_prec@0.7", "mask_prec@0.8", "mask_prec@0.9"}) {
    ASSERT_TRUE(val[key].is_number()) << key;
    EXPECT_LE(val[key].get<double>(), above);
    above = val[key];
  }
  for (const char* key : {"mean_iou", "mask_mean_iou", "mask_overall_iou"}) {
    EXPECT_GE(val[key], 0.0) << key;
    EXPECT_LE(val[key], 1.0) << key;
  }
  double iou = 0;
  for (const Json& prediction : json_lines(predictions)) {
    rle_of(prediction["mask"]);
    iou += prediction["mask_iou"].get<double>();
  }
  EXPECT_NEAR(iou / 12, val["mask_mean_iou"].get<double>(), 1e-6);

  const ProcessResult table = referent({"eval", tiny_.mask_checkpoint(), "--quiet"});
  EXPECT_THAT(table.out, HasSubstr("overall_iou"));
  EXPECT_THAT(table.out, ContainsRegex("val +box +12"));
  EXPECT_THAT(table.out, ContainsRegex("mask +12"));
}

TEST_F(MaskTest, EvalOfABoxModelSaysNothingOfMasks) {
  const Json val = document(referent({"eval", tiny_.checkpoint(), "--json"}))["results"][0];
  for (const auto& [key, value] : val.items()) EXPECT_THAT(key, Not(HasSubstr("mask")));
}

TEST_F(MaskTest, ExpressionsWithoutMaskAreCounted) {
  const std::string mask = R"(, "mask": [[1, 2, 10, 2, 10, 11, 1, 11]])";
  const ProcessResult some = eval(line(mask) + line("") + line(R"(, "mask": [])"), {"--json"});
  EXPECT_THAT(some, Fails(0, {"warning", "2 of 3 expressions have no annotated mask"}));
  const Json result = document(some)["results"][0];
  EXPECT_EQ(result["samples"], 3);
  EXPECT_EQ(result["mask_samples"], 1);
  EXPECT_TRUE(result["mask_mean_iou"].is_number());
  const ProcessResult none = eval(line(""), {"--json"});
  EXPECT_THAT(none, Fails(0, {"1 of 1 expressions have no annotated mask"}));
  EXPECT_EQ(document(none)["results"][0]["mask_samples"], 0);
  EXPECT_FALSE(document(none)["results"][0].contains("mask_mean_iou"));
}

TEST_F(MaskTest, MasksThatAreWrongAreToldWithTheirPlace) {
  const auto fails = [&](const std::string& mask, const Words& words) {
    const ProcessResult result = eval(line("") + line(", \"mask\": " + mask), {"--json"});
    EXPECT_THAT(result, Fails(3, words)) << mask;
    EXPECT_THAT(result.out, IsEmpty());
  };
  fails("[[]]", {"lines.jsonl:2", "0 corners"});
  fails("[[1, 2, 10, 2, 10]]", {"lines.jsonl:2", "without its y"});
  fails(R"({"size": [64, 64], "counts": [4095]})",
        {"lines.jsonl:2", "4095 pixels in all for a mask of 64 x 64"});
  fails(R"({"size": [64, 64], "counts": "P"})", {"lines.jsonl:2", "run-length"});
  fails(R"({"size": [64, 63], "counts": [4032]})",
        {"val-000000.png", "a mask of 63 x 64 pixels for a picture of 64 x 64"});
}

TEST_F(MaskTest, TrainingAMaskHeadNeedsMasks) {
  std::string boxes;
  for (int i = 0; i < 4; ++i) boxes += line("");
  const Words words{"train", tiny_.config(),
                    "--out", folder_.path() / "run",
                    "--set", "data.train.0.path=" + lines(boxes).string(),
                    "--set", "data.train.0.images=" + (tiny_.scenes() / "images").string(),
                    "--set", "model.heads.mask.width=8"};
  EXPECT_THAT(referent(words), Fails(3, {"none of 4 expressions has an annotated mask"}));
  EXPECT_FALSE(fs::exists(folder_.path() / "run"));
}

TEST_F(MaskTest, TheBestByMasksNeedsAMaskHead) {
  EXPECT_THAT(referent({"train", tiny_.config(), "--out", folder_.path() / "run", "--set",
                        "train.best_metric=mask_mean_iou"}),
              Fails(2, {"/train/best_metric", "/model/heads/mask"}));
}

TEST_F(MaskTest, ARunWithMasksRecordsThem) {
  const std::vector<Json> lines = json_lines(tiny_.mask_run() / "metrics.jsonl");
  EXPECT_TRUE(lines.back()["mask_mean_iou"].is_number());
  EXPECT_TRUE(fs::exists(tiny_.mask_run() / "best"));
}

TEST_F(MaskTest, AModelOfMasksOnlyGroundsAndIsEvaluated) {
  ASSERT_THAT(train_masks_only({"--set", "train.max_steps=2", "--quiet"}), ExitsWith(0));
  EXPECT_TRUE(json_lines(run() / "metrics.jsonl").back()["mask_mean_iou"].is_number());
  const Json evaluated = document(referent({"eval", run() / "last", "--json"}))["results"][0];
  EXPECT_EQ(evaluated["samples"], 12);
  EXPECT_EQ(evaluated["mask_samples"], 12);
  for (const char* key : {"prec@0.5", "mean_iou", "mask_mean_iou", "mask_overall_iou"}) {
    EXPECT_TRUE(evaluated[key].is_number()) << key;
  }
  EXPECT_GT(evaluated["mask_mean_iou"].get<double>(), 0.0);

  const ProcessResult result =
      referent({"ground", run() / "last", tiny_.picture(), kExpression, "--mask", "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json prediction = document(result)["predictions"][0];
  EXPECT_EQ(formats::rle_area(rle_of(prediction["mask"])), 64U * 64U);
  // The smallest box around it.
  EXPECT_EQ(prediction["box"].get<std::vector<double>>(), (std::vector<double>{0, 0, 64, 64}));
  EXPECT_TRUE(prediction["score"].is_null());
}

TEST_F(MaskTest, AModelOfMasksOnlyResumesAndHasNoReleasedNames) {
  ASSERT_THAT(train_masks_only({"--set", "train.max_steps=2", "--quiet"}), ExitsWith(0));
  const ProcessResult resumed =
      train_masks_only({"--set", "train.max_steps=4", "--resume", "--json"});
  EXPECT_THAT(resumed, ExitsWith(0));
  EXPECT_EQ(document(resumed)["step"], 4);
  const Path exported = folder_.path() / "exported.safetensors";
  EXPECT_THAT(referent({"export", run() / "last", "--names", "released", "--out", exported}),
              Fails(2, {"no released code", "--names native"}));
  EXPECT_FALSE(fs::exists(exported));
  EXPECT_THAT(referent({"export", run() / "last", "--names", "native", "--out", exported}),
              ExitsWith(0));
}

}  // namespace
}  // namespace referent::testing
