// SPDX-License-Identifier: Apache-2.0
// Models that the library would follow out of its tables are refused before it sees them.
#include "referent/formats/sentence_piece_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "formats/fixtures.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/core/hash.h"
#include "referent/text/sentence_piece.h"

namespace referent::formats {
namespace {

using ::testing::HasSubstr;
using testing::little;

const Path kModel = Path(REFERENT_SOURCE_DIR) / "tests" / "golden" / "text" / "bpe.model";

std::string refusal(const std::string& bytes) {
  try {
    check_sentence_piece_model(bytes, "some.model");
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

/// A field with a length, in Protocol Buffers' wire format.
std::string field(int number, const std::string& content) {
  std::string bytes(1, static_cast<char>((number << 3) | 2));
  std::size_t size = content.size();
  for (; size >= 0x80; size >>= 7) bytes += static_cast<char>((size & 0x7F) | 0x80);
  return bytes + static_cast<char>(size) + content;
}

/// A model of nothing but a normaliser with this character map.
std::string model_with(const std::string& map) {
  return field(3, field(2, map));
}

constexpr std::uint32_t kUnits = 512;

/// A map whose table has `root` as its first unit, one that is `unit` at a place, and zeros.
std::string map_with(std::uint32_t root, std::size_t place, std::uint32_t unit) {
  std::string table;
  for (std::uint32_t i = 0; i < kUnits; ++i) {
    table += little(i == 0 ? root : i == place ? unit : 0x80000000U, 4);
  }
  return little(table.size(), 4) + table + std::string("abc\0", 4);
}

TEST(SentencePieceModelTest, SoundModelsPass) {
  EXPECT_EQ(refusal(read_text_file(kModel)), "accepted");
  EXPECT_EQ(refusal(read_text_file(kModel.parent_path() / "unigram.model")), "accepted");
  EXPECT_EQ(refusal(model_with("")), "accepted");
  // From the root's node at 1 the letter 'a' leads to unit 1 ^ 'a', whose own node is at 256 + 96.
  EXPECT_EQ(refusal(model_with(map_with(1 << 10, 1 ^ 'a', 256U << 10 | 'a'))), "accepted");
}

TEST(SentencePieceModelTest, TornMessagesAreRefused) {
  EXPECT_THAT(refusal("\x1a"), HasSubstr("some.model is no sentencepiece model"));
  EXPECT_THAT(refusal("\x1a\x7f"), HasSubstr("no sentencepiece model"));
  EXPECT_THAT(refusal("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), HasSubstr("no sentencepiece"));
  EXPECT_THAT(refusal(std::string("\0\0", 2)), HasSubstr("no sentencepiece model"));
  EXPECT_THAT(refusal("\x0b"), HasSubstr("no sentencepiece model"));  // a group
}

TEST(SentencePieceModelTest, TablesThatLeadOutsideAreRefused) {
  EXPECT_THAT(refusal(model_with("ab")), HasSubstr("cut"));
  EXPECT_THAT(refusal(model_with(little(100, 4) + "abc")), HasSubstr("longer than itself"));
  EXPECT_THAT(refusal(model_with(little(4, 4) + little(0, 4))), HasSubstr("no end"));
  EXPECT_THAT(refusal(model_with(little(4, 4) + little(0, 4) + "abc")), HasSubstr("no end"));
  const char* outside = "leads outside";
  EXPECT_THAT(refusal(model_with(little(0, 4) + std::string(1, '\0'))), HasSubstr(outside));
  EXPECT_THAT(refusal(model_with(map_with(600U << 10, 0, 0))), HasSubstr(outside));
  const std::size_t place = 1 ^ 'a';
  EXPECT_THAT(refusal(model_with(map_with(1 << 10, place, 4000U << 10 | 'a'))), HasSubstr(outside));
  // A value that points behind the texts: unit 0x80000000 at its node has value 0, so put one.
  const std::uint32_t to_itself = 'a' | 0x100U;  // its value is what stands at its own place
  EXPECT_THAT(refusal(model_with(map_with(1 << 10, place, to_itself))), HasSubstr(outside));
}

/// Damaged models are refused or work; the library must not follow them anywhere.
TEST(SentencePieceModelTest, DamageIsRefusedOrHarmless) {
  const std::string original = read_text_file(kModel);
  constexpr std::uint64_t kMutants = 500;
  std::uint64_t state = 7;
  const auto next = [&state] { return splitmix64(state += kGoldenGamma); };
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 0; seed < kMutants; ++seed) {
    std::string mutant = original;
    for (std::uint64_t i = 0; i <= next() % 4; ++i) {
      // The tables are most of a model; the pieces and the settings are worth as many tries.
      const std::size_t room = next() % 2 == 0 ? mutant.size() : 6000;
      mutant[next() % room] = static_cast<char>(next() % 3 == 0 ? 0xFF : next());
    }
    if (next() % 4 == 0) mutant.resize(next() % mutant.size());
    try {
      const text::SentencePiece tokenizer(mutant);
      for (const char* text :
           {"the red \u00c5 \ufb01ne \u2460 kite", "a", "\u4e2d\u6587 \uff76\uff9e"}) {
        tokenizer.tokenize(text);
      }
    } catch (const ConfigError&) {
      ++refused;
    }
  }
  std::printf("%d damaged models: %d refused, the others cut texts\n", static_cast<int>(kMutants),
              static_cast<int>(refused));
  EXPECT_GT(refused, kMutants / 4);
}

}  // namespace
}  // namespace referent::formats
