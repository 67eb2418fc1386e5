// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/predictions_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "referent/core/error.h"
#include "support/temporary_folder.h"

namespace referent::engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class PredictionsFileTest : public ::testing::Test {
 protected:
  Path write(const std::string& text) const {
    write_file(folder_.path() / "mine.jsonl", text);
    return folder_.path() / "mine.jsonl";
  }

  std::string message_of(const std::string& text) const {
    try {
      read_predictions(write(text));
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }

  static Evaluation two_samples() {
    Evaluation evaluation;
    evaluation.dataset = "refcoco@unc";
    evaluation.split = "val";
    evaluation.results = {
        {"17", "a.jpg", "left dog", {0, 0, 10, 10}, {0, 0, 10, 20}, 0.25, 0.4375F},
        {"x", "b.jpg", "Straße", {1.5, 2, 3, 4}, {1, 2, 3, 4}, std::nullopt, 0.75F}};
    evaluation.results[0].width = 640;
    evaluation.results[0].height = 480;
    evaluation.results[0].same_class = 3;
    return evaluation;
  }

  testing::TemporaryFolder folder_;
};

TEST_F(PredictionsFileTest, WhatIsWrittenComesBack) {
  std::vector<Evaluation> written{two_samples(), two_samples()};
  written[1].split = "testA";
  const Path file = folder_.path() / "predictions.jsonl";
  write_predictions(file, written);
  EXPECT_TRUE(is_predictions_file(file));
  const std::vector<Evaluation> read = read_predictions(file);
  ASSERT_EQ(read.size(), 2U);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(read[k].title(), written[k].title());
    EXPECT_EQ(read[k].metrics.count(), 2);
    for (std::size_t i = 0; i < 2; ++i) {
      const SampleResult& expected = written[k].results[i];
      const SampleResult& result = read[k].results.at(i);
      EXPECT_EQ(result.id, expected.id);
      EXPECT_EQ(result.image, expected.image);
      EXPECT_EQ(result.expression, expected.expression);
      EXPECT_EQ(result.box, expected.box);
      EXPECT_EQ(result.target, expected.target);
      EXPECT_EQ(result.score, expected.score);
      EXPECT_EQ(result.iou, expected.iou);  // as it was measured
      EXPECT_EQ(result.width, expected.width);
      EXPECT_EQ(result.same_class, expected.same_class);
    }
  }
}

TEST_F(PredictionsFileTest, WhatIsNotSaidIsFilledIn) {
  const std::vector<Evaluation> read = read_predictions(write(
      "\n{\"image\": \"a.jpg\", \"expression\": \"dog\", \"box\": [0, 0, 10, 10], \"target\": "
      "[0, 0, 10, 20], \"score\": null, \"more\": 1}\r\n"));
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].dataset, "mine");
  EXPECT_EQ(read[0].split, "");
  EXPECT_EQ(read[0].results.at(0).id, "1");
  EXPECT_FLOAT_EQ(read[0].results[0].iou, 0.5F);
  EXPECT_EQ(read[0].metrics.hits(0.5F), 1);
}

TEST_F(PredictionsFileTest, ALineThatIsWrongIsNamed) {
  const std::string good =
      R"({"image": "a.jpg", "expression": "dog", "box": [0, 0, 9, 9], "target": [0, 0, 9, 9]})";
  const auto second = [&](const std::string& line) { return message_of(good + "\n" + line); };
  const auto replaced = [&](const std::string& what, const std::string& by) {
    std::string line = good;
    return second(line.replace(line.find(what), what.size(), by));
  };
  EXPECT_THAT(second("{\"image\": "), HasSubstr("mine.jsonl:2"));
  EXPECT_THAT(second("[1, 2]"), AllOf(HasSubstr("mine.jsonl:2"), HasSubstr("a JSON object")));
  EXPECT_THAT(second(good + good), HasSubstr("mine.jsonl:2"));
  EXPECT_THAT(replaced("\"image\"", "\"picture\""), HasSubstr("\"image\" is missing"));
  EXPECT_THAT(replaced("\"a.jpg\"", "7"), HasSubstr("\"image\" should be a string, not 7"));
  EXPECT_THAT(replaced("\"target\"", "\"gt\""), HasSubstr("\"target\" is missing"));
  EXPECT_THAT(replaced("[0, 0, 9, 9]", "[0, 0, 9]"), HasSubstr("\"box\" should be [x1, y1,"));
  EXPECT_THAT(replaced("[0, 0, 9, 9]", "null"), HasSubstr("\"box\" is missing"));
  EXPECT_THAT(replaced("[0, 0, 9, 9]", "[0, 0, 9, 1e999]"), HasSubstr("mine.jsonl:2"));
  EXPECT_THAT(replaced("[0, 0, 9, 9]}", "[9, 0, 0, 9]}"), HasSubstr("\"target\" should be a box"));
  EXPECT_THAT(replaced("\"image\"", "\"iou\": 1.5, \"image\""), HasSubstr("\"iou\" is 1.5"));
  EXPECT_THAT(replaced("\"image\"", "\"iou\": -1, \"image\""), HasSubstr("\"iou\" is -1"));
  EXPECT_THAT(replaced("\"image\"", "\"width\": 0.5, \"image\""), HasSubstr("\"width\" should be"));
  EXPECT_THAT(replaced("\"image\"", "\"id\": [], \"image\""), HasSubstr("\"id\" should be"));
  EXPECT_THAT(message_of(" \n"), HasSubstr("holds no predictions"));
  EXPECT_THROW(read_predictions(folder_.path() / "absent.jsonl"), DataError);
}

TEST_F(PredictionsFileTest, AnIouThatTheBoxesDoNotAllowIsRefused) {
  const auto line = [](const char* iou) {
    return std::string(R"({"image": "a.jpg", "expression": "dog", "box": [0, 0, 10, 10], )") +
           R"("target": [0.9, 0.9, 10.9, 20.9], "iou": )" + iou + "}";
  };
  // 0.3813 as they are, 0.5 with the target cut to whole pixels, less with a box over the edge.
  for (const char* iou : {"0.3813", "0.5", "0.3"}) EXPECT_EQ(message_of(line(iou)), "no error");
  EXPECT_THAT(message_of(line("0.9")), HasSubstr("\"iou\" is 0.9, but that of box and target is"));
}

TEST_F(PredictionsFileTest, FilesOfWeightsAndAbsentOnesAreNone) {
  EXPECT_TRUE(is_predictions_file(write("  {\"image\": 1}")));
  EXPECT_FALSE(is_predictions_file(write(std::string("{\"\0\0\0\0\0\0{\"a\": {}}", 16))));
  EXPECT_FALSE(is_predictions_file(write("PK\x03\x04")));
  EXPECT_FALSE(is_predictions_file(write("")));
  EXPECT_FALSE(is_predictions_file(folder_.path() / "absent"));
}

}  // namespace
}  // namespace referent::engine
