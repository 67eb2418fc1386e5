// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace referent::text {

/// A code point and the bytes [begin, end) of the original text that it came from.
struct Character {
  char32_t code = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// The code points of `text`. Throws DataError naming `what` when it is not UTF-8.
std::vector<Character> decode_utf8(std::string_view text, std::string_view what);

void append_utf8(char32_t code, std::string& text);

/// Python's str.isspace().
bool is_python_space(char32_t code);

/// Unicode categories: control, format, private use, unassigned (C*).
bool is_other(char32_t code);
/// Category Zs.
bool is_space_separator(char32_t code);
/// Categories P*.
bool is_punctuation(char32_t code);
/// Category Mn, which holds the accents.
bool is_nonspacing_mark(char32_t code);

/// Python's str.lower() of one string.
std::vector<Character> lower(std::span<const Character> characters);

/// Canonical decomposition (normal form D).
std::vector<Character> decompose(std::span<const Character> characters);

}  // namespace referent::text
