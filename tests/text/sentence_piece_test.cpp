// SPDX-License-Identifier: Apache-2.0
#include "referent/text/sentence_piece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/formats/index_file.h"
#include "referent/text/config.h"
#include "referent/text/expression.h"
#include "referent/text/utf8.h"
#include "support/temporary_folder.h"
#include "support/test_data.h"

namespace referent::text {
namespace {

using Ids = std::vector<std::int64_t>;
using Json = nlohmann::json;
using referent::testing::kNoTestData;
using referent::testing::test_data;
using ::testing::HasSubstr;
using ::testing::Pair;

/// Always the repository's: they are not among the goldens of released models.
const Path kGolden = Path(REFERENT_SOURCE_DIR) / "tests" / "golden" / "text";

const Json& golden() {
  static const Json document = Json::parse(read_text_file(kGolden / "pieces.json"));
  return document;
}

std::vector<std::string> expressions() {
  std::ifstream stream(kGolden / "expressions.txt");
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Ids ids(const Tokenizer& tokenizer, const std::string& text) {
  Ids result;
  for (const Token& token : tokenizer.tokenize(text)) result.push_back(token.id);
  return result;
}

std::vector<std::string> pieces(const SentencePiece& tokenizer) {
  std::vector<std::string> result;
  for (std::int64_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
    result.push_back(tokenizer.piece(id));
  }
  return result;
}

/// 32-bit FNV-1a of the ids as little-endian 32-bit numbers, as make_text.py has it.
std::uint32_t hash(const Ids& ids) {
  std::uint32_t value = 0x811C9DC5U;
  for (const std::int64_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8) {
      value = (value ^ (static_cast<std::uint32_t>(id) >> shift & 0xFFU)) * 0x01000193U;
    }
  }
  return value;
}

class SentencePieceTest : public ::testing::TestWithParam<const char*> {
 protected:
  static const Json& expected() { return golden()["models"][GetParam()]; }
  static SentencePieceType type() {
    return std::string(GetParam()) == "bpe" ? SentencePieceType::kBpe : SentencePieceType::kUnigram;
  }

  const std::string model_ = read_text_file(kGolden / (std::string(GetParam()) + ".model"));
  const SentencePiece tokenizer_{model_};
};

TEST_P(SentencePieceTest, EqualsThePythonPackage) {
  EXPECT_EQ(pieces(tokenizer_), expected()["pieces"]);
  const std::vector<std::string> texts = expressions();
  ASSERT_EQ(texts.size(), expected()["expressions"].size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(ids(tokenizer_, texts[i]), expected()["expressions"][i]) << texts[i];
  }
}

TEST_P(SentencePieceTest, EqualsThePythonPackageOnUnusualTexts) {
  const Json& texts = golden()["unusual"];
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto text = texts[i].get<std::string>();
    EXPECT_EQ(ids(tokenizer_, text), expected()["unusual"][i]) << text;
    Json ranges = Json::array();
    for (const Token& token : tokenizer_.tokenize(text)) ranges.push_back({token.begin, token.end});
    EXPECT_EQ(ranges, expected()["unusual_bytes"][i]) << text;
  }
}

TEST_P(SentencePieceTest, EqualsThePythonPackageOnRealExpressions) {
  const Path data = test_data();
  if (data.empty()) GTEST_SKIP() << kNoTestData;
  const auto entries = formats::read_index(data / "index" / "unc" / "unc_val.pth");
  const Json& hashes = expected()["unc_val"];
  ASSERT_EQ(hashes.size(), 10'000U);
  ASSERT_GE(entries.size(), hashes.size());
  std::size_t equal = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const Ids seen = ids(tokenizer_, to_lower(entries[i].expression));
    equal += hash(seen) == hashes[i].get<std::uint32_t>() ? 1 : 0;
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  const double each = spent.count() / static_cast<double>(hashes.size());
  std::printf("%s: pieces of %zu of %zu expressions equal, %.1f us each\n", GetParam(), equal,
              hashes.size(), each);
  RecordProperty("equal", static_cast<int>(equal));
  EXPECT_EQ(equal, hashes.size());
}

TEST_P(SentencePieceTest, TrainingEqualsThePythonPackage) {
  const auto size = expected()["size"].get<std::int64_t>();
  EXPECT_EQ(pieces(SentencePiece(train_sentence_piece(expressions(), size, type()))),
            expected()["pieces"]);
}

TEST_P(SentencePieceTest, FramesAndCutsAsBertDoes) {
  EXPECT_EQ(tokenizer_.pad_id(), 0);
  const Encoded whole = tokenizer_.encode("the red kite", 20);
  EXPECT_FALSE(whole.truncated);
  EXPECT_EQ(whole.ids.front(), 2);
  EXPECT_EQ(whole.ids.back(), 3);
  EXPECT_EQ(whole.ids.size(), tokenizer_.tokenize("the red kite").size() + 2);
  EXPECT_EQ(whole.ids.size(), whole.offsets.size());
  const Encoded cut = tokenizer_.encode("the red kite", 3);
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.ids, (Ids{2, whole.ids[1], 3}));
  EXPECT_EQ(tokenizer_.encode("", 2).ids, (Ids{2, 3}));
}

TEST_P(SentencePieceTest, ExpressionsKnowTheirBytes) {
  // The first piece, the space before a character that no piece holds, covers nothing.
  const std::string text = "  \xE4\xB8\xADx Red";
  const Encoded encoded = encode_expression(tokenizer_, text, 30);
  ASSERT_GT(encoded.offsets.size(), 5U);
  EXPECT_THAT(encoded.offsets[1], Pair(2, 2));
  EXPECT_THAT(encoded.offsets[2], Pair(2, 5));
  std::int64_t last = 2;
  for (std::size_t i = 1; i + 1 < encoded.offsets.size(); ++i) {
    EXPECT_EQ(encoded.offsets[i].first, last);
    last = encoded.offsets[i].second;
  }
  EXPECT_EQ(last, static_cast<std::int64_t>(text.size()));
}

TEST_P(SentencePieceTest, TextThatIsNotUtf8IsRefused) {
  EXPECT_THROW(tokenizer_.tokenize("left \xC3"), DataError);
}

TEST_P(SentencePieceTest, ACheckpointCarriesTheModel) {
  const testing::TemporaryFolder folder;
  const Path file = folder.path() / "pieces.model";
  write_file(file, model_);
  const TokenizerConfig config{
      .type = TokenizerType::kSentencePiece, .vocabulary = {}, .model = file};
  const std::string carried = carried_vocabulary(config);
  EXPECT_FALSE(find_invalid_utf8(carried).has_value());
  std::filesystem::remove(file);
  const auto tokenizer = make_tokenizer(TokenizerType::kSentencePiece, carried);
  EXPECT_EQ(ids(*tokenizer, "the red kite"), ids(tokenizer_, "the red kite"));
  EXPECT_THROW(make_tokenizer(config), DataError);
  EXPECT_THROW(make_tokenizer(TokenizerType::kSentencePiece, carried.substr(1)), ConfigError);
  EXPECT_THROW(make_tokenizer(TokenizerType::kSentencePiece, "AAAA"), ConfigError);
}

INSTANTIATE_TEST_SUITE_P(Models, SentencePieceTest, ::testing::Values("unigram", "bpe"),
                         [](const auto& parameter) { return std::string(parameter.param); });

std::string training_fault(const std::vector<std::string>& texts, std::int64_t size) {
  try {
    train_sentence_piece(texts, size, SentencePieceType::kUnigram);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TrainSentencePieceTest, WhatCannotBeTrainedIsTold) {
  EXPECT_THAT(training_fault({}, 100), HasSubstr("no text"));
  EXPECT_THAT(training_fault({" ", "\t"}, 100), HasSubstr("no text"));
  EXPECT_THAT(training_fault(expressions(), 8),
              HasSubstr("a tokenizer of 8 pieces: Vocabulary size"));
}

TEST(TrainSentencePieceTest, TheSameTextsGiveTheSameModel) {
  EXPECT_EQ(train_sentence_piece(expressions(), 200, SentencePieceType::kUnigram),
            train_sentence_piece(expressions(), 200, SentencePieceType::kUnigram));
}

TEST(TrainSentencePieceTest, AModelWithoutFrameIsRefused) {
  // An empty message is a model without pieces; a lone unknown piece has neither begin nor end.
  EXPECT_THROW(SentencePiece(""), ConfigError);
}

TEST(TokenizerConfigTest, ASentencePieceNeedsItsModel) {
  EXPECT_THROW(carried_vocabulary({.type = TokenizerType::kSentencePiece}), ConfigError);
}

}  // namespace
}  // namespace referent::text
