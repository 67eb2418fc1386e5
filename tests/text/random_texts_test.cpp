// SPDX-License-Identifier: Apache-2.0
// A million random texts, cut as the released tokenizer cuts them: emoji, scripts of both
// directions, combining marks, controls, special tokens. tests/golden/text/make_random_texts.py
// makes the same texts and writes hashes of the released tokenizer's ids, one a thousand texts.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/core/hash.h"
#include "text/vocabulary.h"

namespace referent::text {
namespace {

using referent::testing::bert;

constexpr std::uint64_t kBlock = 1000;

constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 32> kRanges{
    {{0x20, 0x7E},       {0x20, 0x7E},      {0x61, 0x7A},     {0x61, 0x7A},     {0x61, 0x7A},
     {0x20, 0x20},       {0x20, 0x20},      {0x00, 0x1F},     {0x7F, 0xA0},     {0xA1, 0x17F},
     {0x130, 0x131},     {0x300, 0x36F},    {0x391, 0x3A1},   {0x3A3, 0x3C9},   {0x410, 0x44F},
     {0x5D0, 0x5EA},     {0x621, 0x63A},    {0x64B, 0x652},   {0x905, 0x939},   {0x1E00, 0x1EFF},
     {0x2000, 0x206F},   {0x3000, 0x303F},  {0x3041, 0x3096}, {0x4E00, 0x4E7F}, {0xAC00, 0xAC7F},
     {0xE000, 0xE00F},   {0xFE00, 0xFE0F},  {0xFF01, 0xFF5E}, {0xFFFC, 0xFFFD}, {0x1F300, 0x1F3FF},
     {0x1F600, 0x1F64F}, {0x20000, 0x2007F}}};
constexpr std::array<const char*, 10> kWords{"the",    "left",      "man",      "[CLS]", "[SEP]",
                                             "[MASK]", "unaffable", "\xCE\xA3", "don't", " ||| "};

void append_utf8(std::uint32_t code, std::string& text) {
  const auto byte = [&text](std::uint32_t value) { text += static_cast<char>(value); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) {
    byte(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      byte(0xE0 | code >> 12);
    } else {
      byte(0xF0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3F));
    }
    byte(0x80 | (code >> 6 & 0x3F));
  }
  byte(0x80 | (code & 0x3F));
}

std::string random_text(std::uint64_t number) {
  std::uint64_t state = number * kGoldenGamma;
  const auto draw = [&state] { return splitmix64(state += kGoldenGamma); };
  std::string text;
  const std::uint64_t parts = 1 + draw() % 16;
  for (std::uint64_t i = 0; i < parts; ++i) {
    if (draw() % 8 == 0) {
      text += kWords[draw() % kWords.size()];
    } else {
      const auto& [first, last] = kRanges[draw() % kRanges.size()];
      append_utf8(first + static_cast<std::uint32_t>(draw() % (last - first + 1)), text);
    }
  }
  return text;
}

/// Adds a number of 32 bits to an FNV-1a hash.
void add(std::uint32_t number, std::uint32_t& hash) {
  for (int shift = 0; shift < 32; shift += 8) {
    hash = (hash ^ (number >> shift & 0xFFU)) * 0x01000193U;
  }
}

/// Offsets go forward and lie in the text, whatever it is.
bool is_placed(const std::vector<Token>& tokens, const std::string& text) {
  std::int64_t begin = 0;
  for (const Token& token : tokens) {
    if (token.begin < begin || token.end <= token.begin) return false;
    if (token.end > static_cast<std::int64_t>(text.size())) return false;
    begin = token.begin;
  }
  return true;
}

TEST(RandomTextsTest, AreCutAsByTheReleasedTokenizer) {
  const auto hashes = nlohmann::json::parse(read_text_file(Path(REFERENT_SOURCE_DIR) / "tests" /
                                                           "golden" / "text" / "random_texts.json"))
                          .get<std::vector<std::uint32_t>>();
  ASSERT_EQ(hashes.size() * kBlock, 1'000'000U);
  const auto start = std::chrono::steady_clock::now();
  std::size_t pieces = 0;
  for (std::size_t block = 0; block < hashes.size(); ++block) {
    std::uint32_t hash = 0x811C9DC5U;
    for (std::uint64_t i = 0; i < kBlock; ++i) {
      const std::string text = random_text(block * kBlock + i);
      const std::vector<Token> tokens = bert().tokenize(text);
      EXPECT_TRUE(is_placed(tokens, text)) << text;
      for (const Token& token : tokens) add(static_cast<std::uint32_t>(token.id), hash);
      add(0xFFFFFFFFU, hash);
      pieces += tokens.size();
    }
    ASSERT_EQ(hash, hashes[block]) << "texts " << block * kBlock << " and the next " << kBlock;
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  std::printf("random texts: %zu cut into %zu pieces as by the released tokenizer, %.1f s\n",
              hashes.size() * kBlock, pieces, spent.count());
}

/// The same texts with a byte broken: cut, or refused with the place.
TEST(RandomTextsTest, BrokenBytesAreRefusedOrHarmless) {
  constexpr std::uint64_t kTexts = 100'000;
  std::uint64_t refused = 0;
  for (std::uint64_t number = 0; number < kTexts; ++number) {
    std::string text = random_text(number);
    const std::uint64_t drawn = splitmix64(number);
    text[drawn % text.size()] = static_cast<char>(drawn >> 32);
    try {
      EXPECT_TRUE(is_placed(bert().tokenize(text), text));
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find("is not UTF-8: byte 0x"), std::string::npos);
      ++refused;
    }
  }
  std::printf("broken texts: %d of %d refused with the place of the byte\n",
              static_cast<int>(refused), static_cast<int>(kTexts));
  EXPECT_GT(refused, kTexts / 4);
  EXPECT_LT(refused, kTexts);
}

}  // namespace
}  // namespace referent::text
