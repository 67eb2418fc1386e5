// SPDX-License-Identifier: Apache-2.0
#include "referent/text/word_piece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "referent/config/reader.h"
#include "referent/core/error.h"
#include "referent/text/config.h"
#include "support/test_data.h"
#include "text/vocabulary.h"

namespace referent::text {
namespace {

using referent::testing::bert;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Ids = std::vector<std::int64_t>;

constexpr const char* kTinyVocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\n.\ne\n中\n";

Ids ids(const Tokenizer& tokenizer, const std::string& text) {
  Ids result;
  for (const Token& token : tokenizer.tokenize(text)) result.push_back(token.id);
  return result;
}

/// What the text shows at the place of each token.
std::vector<std::string> places(const Tokenizer& tokenizer, const std::string& text) {
  std::vector<std::string> result;
  for (const Token& token : tokenizer.tokenize(text)) {
    result.push_back(text.substr(static_cast<std::size_t>(token.begin),
                                 static_cast<std::size_t>(token.end - token.begin)));
  }
  return result;
}

TEST(WordPieceTest, EqualsTheReleasedTokenizer) {
  const std::filesystem::path file = referent::testing::goldens() / "mmca" / "tokenizer.jsonl";
  ASSERT_TRUE(std::filesystem::exists(file)) << file;
  std::ifstream lines(file);
  std::string line;
  int compared = 0;
  int other = 0;
  while (std::getline(lines, line)) {
    const auto golden = nlohmann::json::parse(line);
    if (!golden.contains("text")) continue;
    const auto text = golden.at("text").get<std::string>();
    EXPECT_EQ(ids(bert(), text), golden.at("ids").get<Ids>()) << golden.at("text");
    ++compared;
    if (golden.contains("hf_ids")) ++other;
  }
  RecordProperty("texts", compared);
  RecordProperty("texts_where_hugging_face_differs", other);
  EXPECT_GT(compared, 0);
}

TEST(WordPieceTest, MatchesTheLongestPieceFromTheLeft) {
  const WordPiece tokenizer(kTinyVocabulary);
  EXPECT_EQ(tokenizer.vocabulary_size(), 10);
  EXPECT_EQ(tokenizer.pad_id(), 0);
  EXPECT_THAT(ids(tokenizer, "unaffable."), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(ids(tokenizer, "Unaffably"), ElementsAre(1));
  EXPECT_THAT(ids(tokenizer, "É中un"), ElementsAre(8, 9, 4));
}

TEST(WordPieceTest, TokensKnowTheirBytes) {
  const WordPiece tokenizer(kTinyVocabulary);
  EXPECT_THAT(places(tokenizer, "  UNaffable .\xC2\xA0what"),
              ElementsAre("UN", "aff", "able", ".", "what"));
  EXPECT_THAT(places(tokenizer, "É中e\u0301un"), ElementsAre("É", "中", "e\u0301un"));
  // Spacing marks that canonical order exchanges: the word still covers both.
  EXPECT_THAT(places(tokenizer, "x\U0001D165\U00016FF0 un"),
              ElementsAre("x\U0001D165\U00016FF0", "un"));
  // The zero-width space is dropped from the word but lies within its bytes.
  EXPECT_THAT(places(tokenizer, "un\u200Baffable"), ElementsAre("un", "aff", "able"));
  EXPECT_THAT(places(bert(), "the café's naïve 😀 [CLS]"),
              ElementsAre("the", "café", "'", "s", "naïve", "😀", "[CLS]"));
}

TEST(WordPieceTest, SpecialTokensStandAloneInTheText) {
  EXPECT_THAT(ids(bert(), "[CLS] [SEP] [MASK] [PAD] [UNK]"), ElementsAre(101, 102, 103, 0, 100));
  EXPECT_THAT(ids(bert(), "a[CLS]"), ElementsAre(1037, 1031, 18856, 2015, 1033));
  EXPECT_THAT(ids(bert(), "[cls]"), ElementsAre(1031, 18856, 2015, 1033));
}

TEST(WordPieceTest, UnusualTextHasADefinedResult) {
  EXPECT_THAT(ids(bert(), ""), IsEmpty());
  EXPECT_THAT(ids(bert(), " \t\r\n\u3000\u2028"), IsEmpty());
  EXPECT_THAT(ids(bert(), std::string("\0\x01\x7F\xEF\xBF\xBD", 6)), IsEmpty());
  EXPECT_THAT(ids(bert(), "\u0301"), IsEmpty());
  EXPECT_THAT(ids(bert(), "😀"), ElementsAre(100));
  EXPECT_EQ(ids(bert(), "שלום").size(), 4U);
  EXPECT_EQ(ids(bert(), std::string(100, 'a')).size(), 50U);
  EXPECT_THAT(ids(bert(), std::string(101, 'a')), ElementsAre(100));
}

TEST(WordPieceTest, RefusesTextThatIsNotUtf8) {
  try {
    bert().tokenize("left \xC3\x28");
    FAIL() << "accepted a broken sequence";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("offset 5"));
  }
}

TEST(WordPieceTest, EncodesBetweenSpecialTokensAndTellsTruncation) {
  const Encoded whole = bert().encode("left man", 4);
  EXPECT_THAT(whole.ids, ElementsAre(101, 2187, 2158, 102));
  EXPECT_THAT(whole.offsets,
              ElementsAre(std::pair(0, 0), std::pair(0, 4), std::pair(5, 8), std::pair(0, 0)));
  EXPECT_FALSE(whole.truncated);
  const Encoded cut = bert().encode("left man", 3);
  EXPECT_THAT(cut.ids, ElementsAre(101, 2187, 102));
  EXPECT_TRUE(cut.truncated);
}

TEST(WordPieceTest, AMegabyteTakesLinearTime) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](const std::string& text) {
    const auto start = Clock::now();
    EXPECT_FALSE(bert().tokenize(text).empty());
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  std::string words;
  while (words.size() < 1'000'000) words += "the ünaffable man's 中 ΑΣ'' ";
  std::string marks = "a";
  while (marks.size() < 1'000'000) marks += "\u0323\u0301";
  // What takes quadratic time would take hours, and the runner would end it.
  std::printf("a megabyte: words %.2f s, one word %.2f s, punctuation %.2f s, marks %.2f s\n",
              seconds(words), seconds(std::string(1'000'000, 'a')),
              seconds("a" + std::string(1'000'000, '\'') + "b"), seconds(marks));
}

TEST(WordPieceTest, RefusesAFileThatIsNoBertVocabulary) {
  try {
    const WordPiece tokenizer("[PAD]\n[UNK]\n[SEP]\n", "words.txt");
    FAIL() << "accepted a vocabulary without [CLS]";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("words.txt"));
    EXPECT_THAT(error.what(), HasSubstr("[CLS]"));
  }
  EXPECT_THROW(WordPiece("[PAD]\n\xFF\n"), ConfigError);
}

TEST(MakeTokenizerTest, ReadsTheVocabularyThatTheConfigurationNames) {
  TokenizerConfig config;
  EXPECT_EQ(make_tokenizer(config)->vocabulary_size(), 30522);  // the built-in one
  config.vocabulary = "no/such/vocab.txt";
  EXPECT_THROW(make_tokenizer(config), DataError);
  config.vocabulary = Path(REFERENT_SOURCE_DIR) / "configs/vocab/bert-base-uncased.txt";
  EXPECT_EQ(make_tokenizer(config)->vocabulary_size(), 30522);
  // Windows line ends and a missing last one change nothing.
  EXPECT_THAT(ids(WordPiece("[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\nman"), "man"), ElementsAre(4));
}

TEST(MakeTokenizerTest, ItsConfigurationIsRead) {
  const auto read = [](const std::string& json) {
    return config::parse<TokenizerConfig>(config::parse_document(json, "text.json", "/configs"));
  };
  const TokenizerConfig config = read(R"({"type": "word_piece", "vocabulary": "vocab.txt"})");
  EXPECT_EQ(config.type, TokenizerType::kWordPiece);
  EXPECT_EQ(config.vocabulary, "/configs/vocab.txt");
  EXPECT_EQ(read("{}").vocabulary, "");
  EXPECT_THROW(read(R"({"type": "bpe", "vocabulary": "vocab.txt"})"), ConfigError);
}

}  // namespace
}  // namespace referent::text
