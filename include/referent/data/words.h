// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace referent::data {

/// The words that name a direction in the released code.
std::span<const std::string> direction_words();

/// Exchanges left and right, for a picture that was flipped: the words themselves and the compounds
/// that mean a side (leftmost, right-hand, leftwards, ...); "bright" and "leftover" stay.
std::string exchange_left_right(std::string_view text);

/// The released exchange: any "left" or "right" in the lower-cased text, even within a word.
std::string exchange_left_right_anywhere(std::string_view text);

/// Whether a word of `text` begins with one of `words` (lower case), whatever the case of `text`.
bool has_word_beginning_with(std::string_view text, std::span<const std::string> words);

/// Whether a word of `text` says where something is, in the picture (left, top, middle, corner,
/// ...) or beside something else (behind, next, between, closest, ...), whatever its case.
bool has_spatial_word(std::string_view text);

/// Whether one of `words` (lower case) occurs anywhere in `text`, even within a word.
bool contains_any(std::string_view text, std::span<const std::string> words);

}  // namespace referent::data
