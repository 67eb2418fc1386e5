// SPDX-License-Identifier: Apache-2.0
#include "referent/text/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "referent/core/error.h"
#include "support/test_data.h"
#include "text/vocabulary.h"

namespace referent::text {
namespace {

using referent::testing::bert;
using ::testing::ElementsAre;
using Ids = std::vector<std::int64_t>;

/// [CLS] first [SEP] second [SEP], for pairs short enough not to be cut.
Ids framed_pair(const std::vector<Ids>& parts) {
  Ids ids{101};
  for (const Ids& part : parts) {
    ids.insert(ids.end(), part.begin(), part.end());
    ids.push_back(102);
  }
  return ids;
}

TEST(ExpressionTest, EqualsTheReleasedDataPath) {
  const std::filesystem::path file = referent::testing::goldens() / "mmca" / "tokenizer.jsonl";
  ASSERT_TRUE(std::filesystem::exists(file)) << file;
  std::ifstream lines(file);
  std::string line;
  int singles = 0;
  int pairs = 0;
  while (std::getline(lines, line)) {
    const auto golden = nlohmann::json::parse(line);
    if (!golden.contains("text")) continue;
    const auto text = golden.at("text").get<std::string>();
    if (golden.contains("input_ids")) {
      EXPECT_EQ(encode_expression(bert(), text, 20).ids, golden.at("input_ids").get<Ids>())
          << golden.at("text");
      ++singles;
    } else {
      // The released code splits these and then fails; the parts are all that can be compared.
      EXPECT_EQ(encode_expression(bert(), text, 64).ids,
                framed_pair(golden.at("pair_ids").get<std::vector<Ids>>()))
          << golden.at("text");
      ++pairs;
    }
  }
  RecordProperty("singles", singles);
  RecordProperty("pairs", pairs);
  EXPECT_GT(singles, 0);
}

TEST(ExpressionTest, OffsetsReferToTheOriginal) {
  const std::string expression = "  İstanbul MAN ";
  const Encoded encoded = encode_expression(bert(), expression, 20);
  ASSERT_EQ(encoded.ids, (Ids{101, 9960, 2158, 102}));
  EXPECT_THAT(encoded.offsets,
              ElementsAre(std::pair(0, 0), std::pair(2, 11), std::pair(12, 15), std::pair(0, 0)));
}

TEST(ExpressionTest, TellsTruncation) {
  EXPECT_FALSE(encode_expression(bert(), "left man", 4).truncated);
  const Encoded cut = encode_expression(bert(), "left man left man", 4);
  EXPECT_TRUE(cut.truncated);
  EXPECT_THAT(cut.ids, ElementsAre(101, 2187, 2158, 102));
}

TEST(ExpressionTest, APairLosesFromItsLongerPart) {
  // man, left, right = 2158, 2187, 2157
  const Encoded cut = encode_expression(bert(), "man man man ||| left right", 6);
  EXPECT_TRUE(cut.truncated);
  EXPECT_THAT(cut.ids, ElementsAre(101, 2158, 2158, 102, 2187, 102));
  EXPECT_THAT(cut.offsets, ElementsAre(std::pair(0, 0), std::pair(0, 3), std::pair(4, 7),
                                       std::pair(0, 0), std::pair(16, 20), std::pair(0, 0)));
  EXPECT_THAT(encode_expression(bert(), "man ||| left", 3).ids, ElementsAre(101, 102, 102));
}

TEST(ExpressionTest, SpecialTokensInTheTextAreText) {
  EXPECT_THAT(encode_expression(bert(), "[CLS]", 20).ids,
              ElementsAre(101, 1031, 18856, 2015, 1033, 102));
}

TEST(ExpressionTest, EmptyAndInvalidTexts) {
  EXPECT_THAT(encode_expression(bert(), "", 20).ids, ElementsAre(101, 102));
  EXPECT_THAT(encode_expression(bert(), " \u3000\n", 20).ids, ElementsAre(101, 102));
  EXPECT_THROW(encode_expression(bert(), "\xF0\x9F\x98", 20), DataError);
}

}  // namespace
}  // namespace referent::text
