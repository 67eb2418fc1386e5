// SPDX-License-Identifier: Apache-2.0
#include "referent/text/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "referent/core/error.h"

namespace referent::text {
namespace {

using std::string_literals::operator""s;
using ::testing::HasSubstr;

TEST(Utf8Test, AcceptsWellFormedText) {
  // The first and last code points of each length, and those beside the surrogates.
  for (const std::string& text :
       {""s, "plain"s, "\0"s, "\x7F"s, "\xC2\x80"s, "\xDF\xBF"s, "\xE0\xA0\x80"s, "\xEF\xBF\xBF"s,
        "\xED\x9F\xBF"s, "\xEE\x80\x80"s, "\xF0\x90\x80\x80"s, "\xF4\x8F\xBF\xBF"s, "κόσμε"s}) {
    EXPECT_EQ(find_invalid_utf8(text), std::nullopt) << text;
  }
}

/// Markus Kuhn's malformed sequences, each behind two letters so that its offset is 2.
TEST(Utf8Test, RefusesMalformedSequences) {
  std::vector<std::string> malformed{
      // 3.3, 3.4: sequences without their last byte, alone and joined
      "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xF8\x88\x80\x80", "\xFC\x84\x80\x80\x80",
      "\xC0\xE0\x80\xF0\x80\x80",
      // 3.5: impossible bytes
      "\xFE", "\xFF", "\xFE\xFE\xFF\xFF",
      // 4.1 to 4.3: overlong forms
      "\xC0\xAF", "\xE0\x80\xAF", "\xF0\x80\x80\xAF", "\xF8\x80\x80\x80\xAF",
      "\xFC\x80\x80\x80\x80\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xC0\x80"s,
      "\xE0\x80\x80", "\xF0\x80\x80\x80",
      // 5.1, 5.2: surrogates, single and paired
      "\xED\xA0\x80", "\xED\xAD\xBF", "\xED\xAE\x80", "\xED\xAF\xBF", "\xED\xB0\x80",
      "\xED\xBE\x80", "\xED\xBF\xBF", "\xED\xA0\x80\xED\xB0\x80",
      // 2.2, 2.3: above U+10FFFF
      "\xF4\x90\x80\x80", "\xF7\xBF\xBF\xBF", "\xF8\x88\x80\x80\x80", "\xFB\xBF\xBF\xBF\xBF",
      "\xFD\xBF\xBF\xBF\xBF\xBF"};
  // 3.1, 3.2: every continuation byte alone, every first byte followed by a space
  for (int byte = 0x80; byte <= 0xBF; ++byte) malformed.emplace_back(1, static_cast<char>(byte));
  for (int byte = 0xC0; byte <= 0xFF; ++byte) {
    malformed.push_back(std::string(1, static_cast<char>(byte)) + " ");
  }
  for (const std::string& sequence : malformed) {
    EXPECT_EQ(find_invalid_utf8("ab" + sequence + "c"), 2U) << ::testing::PrintToString(sequence);
    EXPECT_EQ(find_invalid_utf8("ab" + sequence), 2U) << ::testing::PrintToString(sequence);
  }
}

TEST(Utf8Test, ErrorNamesTheTextTheByteAndItsOffset) {
  try {
    check_utf8("caf\xE9 au lait", "expression 7");
    FAIL() << "accepted Latin-1";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("expression 7"));
    EXPECT_THAT(error.what(), HasSubstr("0xE9"));
    EXPECT_THAT(error.what(), HasSubstr("offset 3"));
  }
}

TEST(Utf8Test, LowerCaseIsPythons) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"LEFT Man", "left man"},
      {"ÀÉÎ", "àéî"},
      {"İ", "i̇"},
      {"STRASSE ẞ", "strasse ß"},
      // Final sigma: at the end of a word of two letters or more, through what words may contain.
      {"ΣΟΦΟΣ", "σοφος"},
      {"Σ", "σ"},
      {"ΑΣ ΣΑ", "ας σα"},
      {"ΑΣ.", "ας."},
      {"ΑΣ.Α", "ασ.α"},
      {"Α'Σ", "α'ς"},
      {"ΑΣ1", "ας1"},
      {"1Σ", "1σ"},
      {"ªΣ", "ªς"},
      {"ⅣΣ", "ⅳς"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(to_lower(text), expected) << text;
}

}  // namespace
}  // namespace referent::text
