// SPDX-License-Identifier: Apache-2.0
#include "referent/config/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "referent/core/error.h"

namespace referent::config {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
  try {
    parse_json(text, "a.json");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(JsonTest, ReadsEveryKindOfValue) {
  const auto value = parse_json(
      " {\"a\": [1, -2, 3.5, 1e2, true, null, \"\\u4e2d\\n\"], \"\": {}, \"~/\": []}\n", "a.json");
  EXPECT_EQ(value["a"].dump(), "[1,-2,3.5,100.0,true,null,\"中\\n\"]");
  EXPECT_TRUE(value["a"][0].is_number_integer());
  EXPECT_TRUE(value[""].is_object());
  EXPECT_TRUE(value["~/"].is_array());
  EXPECT_EQ(parse_json("3", "a.json"), 3);
}

TEST(JsonTest, ErrorsNameFileLineColumnAndPointer) {
  EXPECT_THAT(error_of("{\n  \"a\": {\"b\": [1,\n    x]}}"),
              HasSubstr("a.json:3:5: at \"/a/b\": "));
  EXPECT_THAT(error_of(""), HasSubstr("a.json:1:1: at \"\": "));
  EXPECT_THAT(error_of("{\"a\": 1"), HasSubstr("a.json:1:"));
  EXPECT_THAT(error_of("{} {}"), HasSubstr("a.json:1:4: "));
}

TEST(JsonTest, RefusesDuplicateKeys) {
  const std::string error = error_of("{\"a\": {\"b/c\": 1,\n  \"b/c\": 1}}");
  EXPECT_THAT(error, HasSubstr("a.json:2:7: at \"/a/b~1c\": duplicate key \"b/c\""));
  EXPECT_EQ(error_of("{\"a\": {\"b\": 1}, \"c\": {\"b\": 1}}"), "");
}

TEST(JsonTest, RefusesWhatIsNotJson) {
  EXPECT_THAT(error_of("\xEF\xBB\xBF{}"), HasSubstr("byte order mark"));
  EXPECT_THAT(error_of("{\"a\": 1 // one\n}"),
              HasSubstr("a.json:1:9: at \"\": JSON has no comments"));
  EXPECT_THAT(error_of("/* all */ {}"), HasSubstr("JSON has no comments"));
  EXPECT_THAT(error_of("# all\n{}"), HasSubstr("JSON has no comments"));
  for (const char* text : {"{\"a\": 1,}", "[1,]", "{'a': 1}", "{a: 1}", "{\"a\": NaN}",
                           "{\"a\": Infinity}", "{\"a\": +1}", "{\"a\": 01}", "{\"a\": .5}",
                           "{\"a\": 0x10}", "{\"a\": 1e999}", "{\"a\": True}", "{\"a\" 1}",
                           "{\"a\": \"b\nc\"}", "{\"a\": \"\xFF\"}", "{\"a\": \"\xED\xA0\x80\"}",
                           "{\"a\": \"\xC0\xAF\"}", "{\"a\": \"\\ud800\"}", "\xFF\xFE{}"}) {
    EXPECT_THAT(error_of(text), HasSubstr("a.json:1:")) << text;
  }
  EXPECT_THAT(error_of(std::string("{}\0", 3)), HasSubstr("a.json:1:3: at \"\": a NUL byte"));
}

TEST(JsonTest, RefusesDeepNestingAndLargeTexts) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(error_of(nested(kDeepestJson)), "");
  EXPECT_THAT(error_of(nested(kDeepestJson + 1)), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(error_of(std::string(1'000'000, '[')), HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(error_of(std::string(100 << 20, ' ')), HasSubstr("104857600 bytes"));
}

TEST(JsonTest, ExcerptsStayShortAndUtf8) {
  std::string text;
  while (text.size() < 10'000) text += "中";
  EXPECT_LT(excerpt(std::string_view(text)).size(), 200U);
  EXPECT_TRUE(is_utf8(excerpt(std::string_view(text))));
  EXPECT_TRUE(is_utf8(excerpt(std::string_view("x" + text))));
  EXPECT_EQ(excerpt(nlohmann::json("a\nb")), "\"a\\nb\"");
  EXPECT_FALSE(is_utf8("\xFF"));
}

}  // namespace
}  // namespace referent::config
