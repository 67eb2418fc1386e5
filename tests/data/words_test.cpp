// SPDX-License-Identifier: Apache-2.0
#include "referent/data/words.h"

#include <gtest/gtest.h>

#include <vector>

namespace referent::data {
namespace {

TEST(WordsTest, ExchangesWholeWordsAndCompoundsOfSide) {
  EXPECT_EQ(exchange_left_right("man on left of right chair"), "man on right of left chair");
  EXPECT_EQ(exchange_left_right("the leftmost, right-hand cup"), "the rightmost, left-hand cup");
  EXPECT_EQ(exchange_left_right("Left LEFT Rightmost"), "Right RIGHT Leftmost");
  EXPECT_EQ(exchange_left_right("left"), "right");
  EXPECT_EQ(exchange_left_right(""), "");
}

TEST(WordsTest, LeavesOtherWordsAlone) {
  EXPECT_EQ(exchange_left_right("bright light, leftover pizza, copyright"),
            "bright light, leftover pizza, copyright");
  EXPECT_EQ(exchange_left_right("gauche\u00e9left"), "gauche\u00e9left");
}

TEST(WordsTest, ExchangingTwiceChangesNothing) {
  const std::string text = "second from LEFT, bright rightmost one left";
  EXPECT_EQ(exchange_left_right(exchange_left_right(text)), text);
}

TEST(WordsTest, ReleasedExchangeReachesIntoWords) {
  EXPECT_EQ(exchange_left_right_anywhere("Bright plane on left"), "bleft plane on right");
}

TEST(WordsTest, DirectionsAreWordBeginningsOrSubstrings) {
  EXPECT_TRUE(has_word_beginning_with("the Topmost plane", direction_words()));
  EXPECT_FALSE(has_word_beginning_with("bright laptop", direction_words()));
  EXPECT_TRUE(contains_any("bright plane", direction_words()));
  EXPECT_TRUE(contains_any("a LAPTOP", direction_words()));
  EXPECT_FALSE(contains_any("a red plane", direction_words()));
}

}  // namespace
}  // namespace referent::data
