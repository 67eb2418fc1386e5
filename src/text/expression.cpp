// SPDX-License-Identifier: Apache-2.0
#include "referent/text/expression.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "referent/core/error.h"
#include "unicode.h"

namespace referent::text {
namespace {

constexpr std::string_view kPairMark = " ||| ";

/// The expression in lower case without the spaces around it, and for each of its bytes the range
/// of the original character that it came from.
struct Normalised {
  explicit Normalised(std::string_view expression) {
    const std::vector<Character> characters = lower(decode_utf8(expression, "the expression"));
    const auto visible = [](const Character& c) { return !is_python_space(c.code); };
    const auto first = std::find_if(characters.begin(), characters.end(), visible);
    const auto last = std::find_if(characters.rbegin(), characters.rend(), visible).base();
    for (auto character = first; character < last; ++character) {
      append_utf8(character->code, text);
      begins.resize(text.size(), character->begin);
      ends.resize(text.size(), character->end);
    }
  }

  /// The tokens of `text` from byte `begin` on, `size` bytes, placed in the original.
  std::vector<Token> tokenize(const Tokenizer& tokenizer, std::size_t begin,
                              std::size_t size) const {
    std::vector<Token> tokens = tokenizer.tokenize(std::string_view(text).substr(begin, size));
    for (Token& token : tokens) {
      const std::size_t first = begin + static_cast<std::size_t>(token.begin);
      const std::size_t past = begin + static_cast<std::size_t>(token.end);
      token.begin = first < begins.size() ? begins[first] : ends.back();
      token.end = past > first ? ends[past - 1] : token.begin;
    }
    return tokens;
  }

  std::string text;
  std::vector<std::int64_t> begins;
  std::vector<std::int64_t> ends;
};

/// Where the pair mark stands; npos for a single text. The released pattern's dot matches no line
/// break, and its first group is greedy.
std::size_t find_pair_mark(std::string_view text) {
  if (text.find('\n') != std::string_view::npos) return std::string_view::npos;
  return text.rfind(kPairMark);
}

/// Drops pieces from the longer part until both fit into `limit`. True when any were lost.
bool truncate_pair(std::vector<Token>& first, std::vector<Token>& second, std::size_t limit) {
  const bool truncated = first.size() + second.size() > limit;
  while (first.size() + second.size() > limit) {
    (first.size() > second.size() ? first : second).pop_back();
  }
  return truncated;
}

}  // namespace

Encoded encode_expression(const Tokenizer& tokenizer, std::string_view expression,
                          std::int64_t length) {
  REFERENT_CHECK(length >= 3, "{} ids cannot hold an expression", length);
  const Normalised normalised(expression);
  const std::size_t size = normalised.text.size();
  const std::size_t mark = find_pair_mark(normalised.text);
  std::vector<Token> first = normalised.tokenize(tokenizer, 0, std::min(mark, size));
  std::vector<Token> second;
  if (mark != std::string_view::npos) {
    const std::size_t begin = mark + kPairMark.size();
    second = normalised.tokenize(tokenizer, begin, size - begin);
  }

  Encoded encoded;
  const auto separators = second.empty() ? 2 : 3;
  encoded.truncated = truncate_pair(first, second, static_cast<std::size_t>(length - separators));
  const std::vector<std::int64_t> frame = tokenizer.encode("", 2).ids;  // [CLS] [SEP]
  const auto append = [&encoded](std::int64_t id, std::int64_t begin, std::int64_t end) {
    encoded.ids.push_back(id);
    encoded.offsets.emplace_back(begin, end);
  };
  append(frame.front(), 0, 0);
  for (const Token& token : first) append(token.id, token.begin, token.end);
  append(frame.back(), 0, 0);
  for (const Token& token : second) append(token.id, token.begin, token.end);
  if (separators == 3) append(frame.back(), 0, 0);
  return encoded;
}

}  // namespace referent::text
