// SPDX-License-Identifier: Apache-2.0
#include "referent/data/words.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace referent::data {
namespace {

constexpr std::string_view kLeft = "left";
constexpr std::string_view kRight = "right";

/// What may follow "left" or "right" in a word that still means the side.
constexpr std::array<std::string_view, 9> kSideSuffixes{"",     "most",  "hand", "handed", "side",
                                                        "ward", "wards", "est",  "er"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

/// Letters, digits and every byte of a character beyond ASCII: the latter are nearly always letters
/// where they touch one.
bool is_word_byte(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Calls `visit(begin, end)` for every word of `text`.
template <typename Visit>
void for_each_word(std::string_view text, Visit visit) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    if (!is_word_byte(text[begin])) {
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < text.size() && is_word_byte(text[end])) ++end;
    visit(begin, end);
    begin = end;
  }
}

bool means_side(std::string_view word, std::string_view side) {
  return word.starts_with(side) && std::find(kSideSuffixes.begin(), kSideSuffixes.end(),
                                             word.substr(side.size())) != kSideSuffixes.end();
}

/// `side` in the letter case of `model`: LEFT, Left or left.
std::string in_case_of(std::string_view model, std::string_view side) {
  std::string result(side);
  const bool all = std::all_of(model.begin(), model.end(), is_upper);
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (all || (i == 0 && is_upper(model[0]))) result[i] = static_cast<char>(result[i] - 'a' + 'A');
  }
  return result;
}

}  // namespace

std::span<const std::string> direction_words() {
  static const std::array<std::string, 5> words{"left", "right", "top", "bottom", "middle"};
  return words;
}

std::string exchange_left_right(std::string_view text) {
  std::string result;
  std::size_t done = 0;
  for_each_word(text, [&](std::size_t begin, std::size_t end) {
    const std::string word = lower(text.substr(begin, end - begin));
    const bool left = means_side(word, kLeft);
    if (!left && !means_side(word, kRight)) return;
    const std::size_t length = left ? kLeft.size() : kRight.size();
    result += text.substr(done, begin - done);
    result += in_case_of(text.substr(begin, length), left ? kRight : kLeft);
    done = begin + length;
  });
  result += text.substr(done);
  return result;
}

std::string exchange_left_right_anywhere(std::string_view text) {
  const std::string source = lower(text);
  std::string result;
  for (std::size_t i = 0; i < source.size();) {
    const auto rest = std::string_view(source).substr(i);
    const bool left = rest.starts_with(kLeft);
    if (left || rest.starts_with(kRight)) {
      result += left ? kRight : kLeft;
      i += left ? kLeft.size() : kRight.size();
    } else {
      result += source[i++];
    }
  }
  return result;
}

bool has_word_beginning_with(std::string_view text, std::span<const std::string> words) {
  bool found = false;
  for_each_word(text, [&](std::size_t begin, std::size_t end) {
    const std::string word = lower(text.substr(begin, end - begin));
    found = found || std::any_of(words.begin(), words.end(),
                                 [&](const std::string& start) { return word.starts_with(start); });
  });
  return found;
}

bool has_spatial_word(std::string_view text) {
  static const std::unordered_set<std::string> words{
      "left",    "leftmost", "right",    "rightmost", "top",    "topmost",    "bottom",
      "upper",   "lower",    "middle",   "center",    "centre", "corner",     "side",
      "edge",    "front",    "back",     "behind",    "above",  "below",      "under",
      "beneath", "near",     "nearest",  "next",      "beside", "by",         "between",
      "closest", "closer",   "farthest", "furthest",  "facing", "foreground", "background",
      "inside",  "outside",  "opposite", "against",   "around"};
  bool found = false;
  for_each_word(text, [&](std::size_t begin, std::size_t end) {
    found = found || words.contains(lower(text.substr(begin, end - begin)));
  });
  return found;
}

bool contains_any(std::string_view text, std::span<const std::string> words) {
  const std::string source = lower(text);
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return source.find(word) != std::string::npos;
  });
}

}  // namespace referent::data
