// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "referent/core/error.h"

namespace referent::formats {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    check_json(text, "file.json");
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(JsonTest, AcceptsStrictJson) {
  EXPECT_EQ(refusal(R"({"a": [1, 2.5, null, true, "\u00e9"], "b": {"a": {}}})"), "accepted");
}

TEST(JsonTest, RefusesDuplicateKeysOfOneObjectOnly) {
  EXPECT_THAT(refusal(R"({"x": {"a": 1, "b": 2, "a": 3}})"), HasSubstr("\"a\" occurs twice"));
  EXPECT_EQ(refusal(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]})"), "accepted");
}

TEST(JsonTest, RefusesDeepNesting) {
  const std::string deepest(kMaxJsonDepth, '[');
  EXPECT_EQ(refusal(deepest + std::string(kMaxJsonDepth, ']')), "accepted");
  EXPECT_THAT(refusal("[" + deepest + std::string(kMaxJsonDepth + 1, ']')), HasSubstr("64"));
  EXPECT_THAT(refusal(std::string(1000000, '[')), HasSubstr("nested deeper"));
}

TEST(JsonTest, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "[1,]", "{\"a\": 1} x", "// a\n1", "NaN", "\"\xff\"", "'a'"}) {
    EXPECT_THAT(refusal(text), HasSubstr("file.json: not valid JSON")) << text;
  }
}

}  // namespace
}  // namespace referent::formats
