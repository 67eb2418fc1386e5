// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// The held-out scenes, and copies of them with faults.
class DataTest : public ::testing::Test {
 protected:
  std::string scenes(const std::string& split = "val") const {
    return "jsonl:" + (tiny_run().scenes() / (split + ".jsonl")).string();
  }
  Path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name) << text;
    return folder_.path() / name;
  }
  std::string faulty() const {
    return "jsonl:" +
           write("faulty.jsonl",
                 R"({"image": "images/val-000003.png", "expression": " ", "box": [1, 2, 3, 4]}
{"image": "images/none.png", "expression": "red", "box": [1, 2, -3, 4]}
)")
               .string();
  }

  TemporaryFolder folder_;
};

TEST_F(DataTest, SoundDataEndsWithZero) {
  const ProcessResult table = referent({"data", "check", scenes("train"), scenes(), "-q"});
  EXPECT_THAT(table, ExitsWith(0));
  EXPECT_THAT(table.out, AllOf(HasSubstr("sound: 2 splits, 52 expressions, 52 pictures decoded"),
                               HasSubstr("train  train           40")));
  const ProcessResult json = referent({"data", "check", "--data", scenes(), "--json", "-q"});
  EXPECT_THAT(json, ExitsWith(0));
  const Json report = document(json);
  EXPECT_EQ(report["schema_version"], 1);
  EXPECT_EQ(report["sound"], true);
  EXPECT_EQ(report["splits"][0]["expressions"], 12);
  EXPECT_EQ(report["splits"][0]["training"], false);
}

TEST_F(DataTest, FaultsEndWithEightUnlessTheyAreAllowed) {
  const std::string images = tiny_run().scenes();
  const ProcessResult json =
      referent({"data", "check", faulty(), "--images", images, "--json", "-q"});
  EXPECT_THAT(json, ExitsWith(8));
  std::vector<std::string> kinds;
  const Json report = document(json);
  for (const Json& finding : report["findings"]) kinds.push_back(finding["kind"]);
  EXPECT_THAT(kinds, ElementsAre("image_missing", "box_inverted", "text_blank"));
  EXPECT_THAT(referent({"data", "check", faulty(), "--images", images, "-q", "--allow",
                        "image_missing", "--allow", "box_inverted", "--allow", "text_blank"}),
              ExitsWith(0));
  EXPECT_THAT(referent({"data", "check", faulty(), "--allow", "boxes"}),
              Fails(2, {"--allow", "\"boxes\" is none of", "box_inverted"}));
}

TEST_F(DataTest, WhatCannotBeReadEndsWithThreeAfterTheRest) {
  const ProcessResult result =
      referent({"data", "check", "jsonl:absent.jsonl", scenes(), "--json", "-q"});
  EXPECT_THAT(result, Fails(3, {"absent.jsonl", "No such file"}));
  const Json report = document(result);
  EXPECT_EQ(report["splits"].size(), 1U);
  EXPECT_EQ(report["errors"][0]["dataset"], "jsonl:absent.jsonl");
  EXPECT_THAT(referent({"data", "check", "absent.jsonl"}), Fails(2, {"absent.jsonl", "FORMAT"}));
  EXPECT_THAT(referent({"data", "check"}), Fails(2, {"data", "required"}));
}

TEST_F(DataTest, AConfigurationNamesAllOfItsData) {
  const ProcessResult result = referent({"data", "check", tiny_run().config(), "--json", "-q"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json report = document(result);
  ASSERT_EQ(report["splits"].size(), 2U);
  EXPECT_EQ(report["splits"][0]["training"], true);
  EXPECT_EQ(report["splits"][1]["training"], false);
  // Its length of tokens is what expressions are held to.
  EXPECT_THAT(referent({"data", "check", tiny_run().config(), "-q", "--length", "4"}),
              ExitsWith(8));
}

TEST_F(DataTest, ConversionsGoRoundAndSayWhatTheyLose) {
  const Path out = folder_.path();
  ProcessResult result = referent(
      {"data", "convert", scenes(), "--to", "refer", "--out", out / "shapes@me", "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json report = document(result);
  EXPECT_EQ(report["schema_version"], 1);
  EXPECT_EQ(report["files"][0]["expressions"], 12);
  EXPECT_EQ(report["lost"][1]["what"], "other keys");
  const std::string refer = "refer:" + (out / "shapes@me").string();
  EXPECT_THAT(referent({"data", "convert", refer, "--to", "seqtr", "--out", out / "shapes.json"}),
              ExitsWith(0));
  result = referent({"data", "convert", "seqtr:" + (out / "shapes.json").string(), "--to", "index",
                     "--out", out / "unc_val.pth"});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.out, AllOf(HasSubstr("with 12 expressions"),
                                HasSubstr("could not keep: masks, 12 times")));
  result = referent({"data", "convert", "index:" + (out / "unc_val.pth").string(), "--to", "jsonl",
                     "--out", out / "back.jsonl"});
  EXPECT_THAT(result, ExitsWith(0));
  const auto before = json_lines(tiny_run().scenes() / "val.jsonl");
  const auto after = json_lines(out / "back.jsonl");
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    for (const char* key : {"image", "expression", "box", "split"}) {
      EXPECT_EQ(before[i][key], after[i][key]);
    }
  }
  EXPECT_THAT(referent({"data", "convert", scenes(), "--to", "refer", "--out", out / "shapes"}),
              Fails(2, {"FOLDER@BY"}));
  EXPECT_THAT(referent({"data", "convert", scenes(), "--to", "coco", "--out", out / "x"}),
              Fails(2, {"\"coco\" is none of", "seqtr"}));
}

TEST_F(DataTest, StatisticsAreATableAndADocument) {
  const ProcessResult table = referent({"data", "stats", scenes()});
  EXPECT_THAT(table, ExitsWith(0));
  EXPECT_THAT(table.out, HasSubstr("words of an expression"));
  const ProcessResult json = referent({"data", "stats", scenes(), "--json"});
  EXPECT_THAT(json, ExitsWith(0));
  EXPECT_EQ(document(json)["splits"][0]["expressions"], 12);
}

TEST_F(DataTest, LibTorchIsNotLoaded) {
  for (const Words& words :
       {Words{"data", "check", scenes(), "-q"},
        Words{"data", "convert", scenes(), "--to", "jsonl", "--out", folder_.path() / "copy.jsonl"},
        Words{"data", "stats", scenes()}}) {
    const ProcessResult result =
        Process(program(), words, {.environment = {{"LD_DEBUG", "libs"}}}).wait();
    EXPECT_THAT(result, ExitsWith(0));
    EXPECT_THAT(result.err, AllOf(HasSubstr("libreferent_data.so"), Not(HasSubstr("torch"))));
  }
}

}  // namespace
}  // namespace referent::testing
