// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Path kConfigs = Path(REFERENT_SOURCE_DIR) / "configs";

class ConfigTest : public ::testing::Test {
 protected:
  Path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name) << text;
    return folder_.path() / name;
  }

  TemporaryFolder folder_;
};

TEST_F(ConfigTest, ThePublishedConfigurationsAreSound) {
  const ProcessResult result =
      referent({"config", "check", kConfigs / "demo.json", kConfigs / "mmca-r50-refcoco.json",
                kConfigs / "transvg-r50-refcoco.json"});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.out, HasSubstr("mmca-r50-refcoco.json: sound"));
}

TEST_F(ConfigTest, AllThatIsWrongIsToldInOneRun) {
  const Path first = write("first.json", R"({
    "train": {"batch_sise": 4, "epochs": 0},
    "model": {"conditioning": {"type": "mmcaa"}},
    "seed": "13"
  })");
  const Path second = write("second.json", R"({"name": 3})");
  EXPECT_THAT(
      referent({"config", "check", first, second}),
      Fails(2, {"4 problems", first, "\"/train/batch_sise\"", "did you mean \"batch_size\"?",
                "/train/epochs", "saw 0", "/model/conditioning/type", "did you mean \"mmca\"?",
                "/seed", second, "/name", "saw 3"}));
}

TEST_F(ConfigTest, TheVerdictIsADocumentToo) {
  const Path good = write("good.json", "{}");
  const Path bad = write("bad.json", R"({"nmae": "x"})");
  const ProcessResult result = referent({"config", "check", good, bad, "--json"});
  EXPECT_THAT(result, Fails(2, {"did you mean \"name\"?"}));
  const Json verdict = document(result);
  EXPECT_EQ(verdict["schema_version"], 1);
  EXPECT_EQ(verdict["files"][0]["sound"], true);
  EXPECT_EQ(verdict["files"][1]["sound"], false);
  EXPECT_THAT(verdict["files"][1]["message"].get<std::string>(), HasSubstr("/nmae"));
}

TEST_F(ConfigTest, FilesThatAreNoConfigurationAreToldWithTheirCause) {
  const Path absent = folder_.path() / "absent.json";
  EXPECT_THAT(referent({"config", "check", absent}), Fails(2, {absent, "No such file"}));
  EXPECT_THAT(referent({"train", absent, "--out", folder_.path() / "run"}),
              Fails(2, {absent, "No such file"}));
  EXPECT_THAT(entries(folder_.path()), IsEmpty());
  EXPECT_THAT(referent({"config", "check", folder_.path()}), Fails(2, {folder_.path()}));

  const Path torn = write("torn.json", R"({"name": "x", )");
  EXPECT_THAT(referent({"config", "check", torn}), Fails(2, {torn}));
  const Path doubled = write("doubled.json", R"({"seed": 1, "seed": 2})");
  EXPECT_THAT(referent({"config", "check", doubled}), Fails(2, {doubled, "seed"}));
  const Path circle = write("circle.json", R"({"extends": "circle.json"})");
  EXPECT_THAT(referent({"config", "check", circle}), Fails(2, {"circle.json"}));
}

TEST_F(ConfigTest, WhatIsShownReadsBack) {
  const ProcessResult shown = referent(
      {"config", "show", kConfigs / "mmca-r50-refcoco.json", "--set", "train.batch_size=7"});
  EXPECT_THAT(shown, ExitsWith(0));
  const Json config = document(shown);
  EXPECT_EQ(config["train"]["batch_size"], 7);
  EXPECT_EQ(config["model"]["conditioning"]["type"], "mmca");
  EXPECT_EQ(config["model"]["text_encoder"]["layers"], 12);

  const ProcessResult again = referent({"config", "show", write("again.json", shown.out)});
  EXPECT_THAT(again, ExitsWith(0));
  EXPECT_EQ(again.out, shown.out);
}

TEST_F(ConfigTest, EveryValueTellsWhereItWasWritten) {
  const ProcessResult result = referent(
      {"config", "show", kConfigs / "mmca-r50-refcoco.json", "--set", "seed=3", "--origin"});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.out, HasSubstr("/seed = 3  (--set)"));
  EXPECT_THAT(result.out, HasSubstr("/model/conditioning/type = \"mmca\"  (preset mmca-r50)"));
  EXPECT_THAT(result.out, ::testing::ContainsRegex("/train/epochs = 90  \\([^\n]*transvg-r50"));
  EXPECT_THAT(result.out, HasSubstr("/train/log_every = 10  (default)"));
}

TEST_F(ConfigTest, AWrongOverrideIsTold) {
  const Path file = write("good.json", "{}");
  EXPECT_THAT(referent({"config", "show", file, "--set", "train.epoch=3"}),
              Fails(2, {"--set", "/train/epoch", "epochs"}));
  EXPECT_THAT(referent({"config", "show", file, "--set", "train"}), Fails(2, {"train"}));
}

TEST_F(ConfigTest, TheSchemaDescribesEveryKey) {
  const ProcessResult result = referent({"config", "schema"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json schema = document(result);
  EXPECT_EQ(schema["additionalProperties"], false);
  for (const char* key : {"name", "seed", "model", "data", "train", "eval", "output"}) {
    EXPECT_TRUE(schema["properties"].contains(key)) << key;
  }
  const ProcessResult docs = referent({"config", "docs"});
  EXPECT_THAT(docs, ExitsWith(0));
  EXPECT_THAT(docs.out, HasSubstr("batch_size"));
}

}  // namespace
}  // namespace referent::testing
