// SPDX-License-Identifier: Apache-2.0
#include "referent/config/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "config/sample_config.h"
#include "referent/config/writer.h"
#include "referent/core/error.h"

namespace referent::config {
namespace {

using referent::testing::kSampleText;
using referent::testing::SampleConfig;
using referent::testing::Variant;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

struct Inner {
  std::string key;

  template <class V>
  void visit(V& v) {
    v.field("key", key, "A key.", required());
  }
};

struct Outer {
  Inner inner;

  template <class V>
  void visit(V& v) {
    v.field("inner", inner, "Holds a required key.");
  }
};

SampleConfig parse_text(const std::string& text) {
  return parse<SampleConfig>(parse_document(text, "sample.json", "/configs"));
}

SampleConfig named_x() {
  SampleConfig config;
  config.name = std::string("x");
  return config;
}

std::string problems_of(const std::string& text) {
  try {
    parse_text(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(ReaderTest, ReadsEveryKindOfField) {
  const SampleConfig config = parse_text(kSampleText);
  EXPECT_EQ(config.name, "mmca-refcoco");
  EXPECT_EQ(config.seed, 13);
  EXPECT_DOUBLE_EQ(config.model.dropout, 0.1);
  EXPECT_EQ(config.model.conditioning.variant, Variant::kPaper);
  EXPECT_EQ(config.model.conditioning.gate_dropout, 0.5);
  ASSERT_EQ(config.train_data.size(), 2U);
  EXPECT_EQ(config.train_data[1].path, "/configs/refcoco");
  EXPECT_EQ(config.train_data[0].split, std::nullopt);
  EXPECT_EQ(config.eval_data.at("val").path, "/configs/val.jsonl");
  ASSERT_TRUE(config.train.has_value());
  EXPECT_THAT(config.train->milestones, ElementsAre(60, 80));
  EXPECT_THAT(config.train->mean, ElementsAre(0.485, 0.456, 0.406));
  EXPECT_THAT(config.train->rates, ElementsAre(Pair("backbone", 1e-5), Pair("bert", 1e-5)));
}

TEST(ReaderTest, DefaultsHoldWhereNothingIsWritten) {
  const SampleConfig config = parse_text(R"({"name": "x", "train": null})");
  EXPECT_EQ(config, named_x());
  EXPECT_TRUE(config.output.empty());
}

TEST(ReaderTest, WhatWasDumpedReadsBackEqual) {
  const SampleConfig full = parse_text(kSampleText);
  EXPECT_EQ(parse_text(dump(full).dump()), full);
  const SampleConfig defaults = named_x();
  EXPECT_EQ(parse_text(dump(defaults).dump()), defaults);
  SampleConfig odd = full;
  odd.output = "/runs/${HOME}/$${a}";
  odd.name = "quote \" newline \n \u4e2d";
  EXPECT_EQ(parse_text(dump(odd).dump()), odd);
}

TEST(ReaderTest, TellsEveryProblemInOneRun) {
  const std::string message = problems_of(R"({
    "model": {"layer": 3, "dropout": 1.5, "dilation": 1, "conditioning": {"variant": "papper"}},
    "seed": 3.9,
    "train_data": [{"format": "jsonl"}],
    "train": {"workers": -1}})");
  EXPECT_THAT(message, HasSubstr("8 problems"));
  EXPECT_THAT(message, HasSubstr("sample.json: at \"/name\": missing; expected a string. Name of"));
  EXPECT_THAT(message, HasSubstr("at \"/model/layer\": unknown key \"layer\"; did you mean \"layers"
                                 "\"?"));
  EXPECT_THAT(message, HasSubstr("at \"/model/dropout\": expected a number in [0, 1], saw 1.5"));
  EXPECT_THAT(message, HasSubstr("at \"/model/dilation\": expected true or false, saw 1"));
  EXPECT_THAT(message, HasSubstr("at \"/model/conditioning/variant\": expected \"released\" or "
                                 "\"paper\", saw \"papper\"; did you mean \"paper\"?"));
  EXPECT_THAT(message, HasSubstr("at \"/seed\": expected an integer, saw 3.9"));
  EXPECT_THAT(message, HasSubstr("at \"/train_data/0/path\": missing"));
  EXPECT_THAT(message, HasSubstr("at \"/train/workers\": expected an integer in [0, 256], saw -1"));
}

TEST(ReaderTest, NamesTheKnownKeysWhenNoneIsNear) {
  EXPECT_THAT(problems_of(R"({"name": "x", "model": {"zzzzzz": 1}})"),
              HasSubstr("known are layers, dimension, dropout, dilation, conditioning"));
}

TEST(ReaderTest, RequiredFieldsOfAnAbsentStructAreMissing) {
  try {
    parse<Outer>(parse_document("{}", "x.json"));
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"/inner/key\": missing"));
  }
}

TEST(ReaderTest, IntegersAreCheckedToTheLastBit) {
  EXPECT_EQ(parse_text(R"({"name": "x", "seed": 9223372036854775807})").seed, INT64_MAX);
  EXPECT_EQ(parse_text(R"({"name": "x", "seed": -9223372036854775808})").seed, INT64_MIN);
  for (const char* seed : {"9223372036854775808", "18446744073709551616", "-9223372036854775809",
                           "1e3", "3.0", "true", "\"3\"", "null", "[]", "{}"}) {
    EXPECT_THAT(problems_of(fmt::format(R"({{"name": "x", "seed": {}}})", seed)),
                HasSubstr("at \"/seed\": expected an integer, saw "))
        << seed;
  }
}

TEST(ReaderTest, PathsStartFromTheirFileAndExpandVariables) {
  ::setenv("REFERENT_TEST_FOLDER", "/data/sets", 1);
  ::unsetenv("REFERENT_TEST_UNSET");
  const auto output = [](const std::string& path) {
    return parse_text(fmt::format(R"({{"name": "x", "output": "{}"}})", path)).output;
  };
  EXPECT_EQ(output("runs/../a"), "/configs/a");
  EXPECT_EQ(output("/abs"), "/abs");
  EXPECT_EQ(output("${REFERENT_TEST_FOLDER}/coco"), "/data/sets/coco");
  EXPECT_EQ(output(""), "");
  EXPECT_EQ(output("$${HOME}"), "/configs/${HOME}");
  EXPECT_THAT(problems_of(R"({"name": "x", "output": "${REFERENT_TEST_UNSET}/a"})"),
              AllOf(HasSubstr("at \"/output\""), HasSubstr("REFERENT_TEST_UNSET to be set")));
  EXPECT_THAT(problems_of(R"({"name": "x", "output": "${HOME"})"), HasSubstr("at \"/output\""));
  EXPECT_THAT(problems_of(R"({"name": "x", "output": "a\u0000b"})"), HasSubstr("at \"/output\""));
}

}  // namespace
}  // namespace referent::config
