// SPDX-License-Identifier: Apache-2.0
#include "referent/text/word_piece.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "frame.h"
#include "referent/core/error.h"
#include "referent/text/utf8.h"
#include "unicode.h"

namespace referent::text {
namespace {

constexpr std::size_t kLongestWord = 100;  // characters; longer words are unknown
constexpr std::string_view kContinuation = "##";
constexpr std::array<std::string_view, 5> kSpecialTokens{"[UNK]", "[SEP]", "[PAD]", "[CLS]",
                                                         "[MASK]"};

/// The blocks that BERT calls Chinese characters: CJK ideographs, neither kana nor Hangul.
bool is_cjk_ideograph(char32_t code) {
  const auto within = [code](char32_t first, char32_t last) {
    return code >= first && code <= last;
  };
  return within(0x4E00, 0x9FFF) || within(0x3400, 0x4DBF) || within(0x20000, 0x2A6DF) ||
         within(0x2A700, 0x2B73F) || within(0x2B740, 0x2B81F) || within(0x2B820, 0x2CEAF) ||
         within(0xF900, 0xFAFF) || within(0x2F800, 0x2FA1F);
}

/// BERT's idea of punctuation: every ASCII symbol, and what Unicode calls punctuation.
bool separates(char32_t code) {
  const bool ascii_symbol = (code >= 33 && code <= 47) || (code >= 58 && code <= 64) ||
                            (code >= 91 && code <= 96) || (code >= 123 && code <= 126);
  return ascii_symbol || is_punctuation(code);
}

/// Tab and line ends are kept as spaces; the replacement character is dropped like a control.
bool is_dropped(char32_t code) {
  if (code == '\t' || code == '\n' || code == '\r') return false;
  return code == 0xFFFD || is_other(code);
}

/// Words between spaces; a CJK ideograph is a word of its own.
std::vector<std::vector<Character>> split_words(std::string_view text) {
  std::vector<std::vector<Character>> words;
  bool inside = false;
  for (const Character& character : decode_utf8(text, "the text")) {
    if (is_dropped(character.code)) continue;
    if (is_python_space(character.code) || is_space_separator(character.code)) {
      inside = false;
      continue;
    }
    const bool alone = is_cjk_ideograph(character.code);
    if (!inside || alone) words.emplace_back();
    words.back().push_back(character);
    inside = !alone;
  }
  return words;
}

bool is_special_token(std::span<const Character> word) {
  return std::any_of(kSpecialTokens.begin(), kSpecialTokens.end(), [word](std::string_view token) {
    return std::equal(word.begin(), word.end(), token.begin(), token.end(),
                      [](const Character& character, char letter) {
                        return character.code == static_cast<unsigned char>(letter);
                      });
  });
}

/// Lower case without accents. A letter takes over the bytes of the accents it loses.
std::vector<Character> normalise(std::span<const Character> word) {
  std::vector<Character> result;
  for (const Character& character : decompose(lower(word))) {
    if (!is_nonspacing_mark(character.code)) {
      result.push_back(character);
    } else if (!result.empty()) {
      result.back().end = std::max(result.back().end, character.end);
    }
  }
  return result;
}

/// The bytes that `piece` covers. Decomposition may have changed the order of marks, so its ends
/// need not be those of its first and last character.
Token place(std::int64_t id, std::span<const Character> piece) {
  Token token{id, piece.front().begin, piece.front().end};
  for (const Character& character : piece) {
    token.begin = std::min(token.begin, character.begin);
    token.end = std::max(token.end, character.end);
  }
  return token;
}

std::string_view strip(std::string_view line) {
  const std::vector<Character> characters = decode_utf8(line, "the vocabulary");
  const auto visible = [](const Character& character) { return !is_python_space(character.code); };
  const auto first = std::find_if(characters.begin(), characters.end(), visible);
  if (first == characters.end()) return {};
  const auto last = std::find_if(characters.rbegin(), characters.rend(), visible);
  return line.substr(static_cast<std::size_t>(first->begin),
                     static_cast<std::size_t>(last->end - first->begin));
}

std::size_t character_count(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace

/// A word ready to be matched: its UTF-8 form and where each character starts in it.
struct WordPiece::Word {
  explicit Word(std::span<const Character> word) : characters(word) {
    for (const Character& character : word) {
      starts.push_back(utf8.size());
      append_utf8(character.code, utf8);
    }
    starts.push_back(utf8.size());
  }

  std::size_t size() const { return characters.size(); }
  std::string_view part(std::size_t begin, std::size_t end) const {
    return std::string_view(utf8).substr(starts[begin], starts[end] - starts[begin]);
  }

  std::span<const Character> characters;
  std::string utf8;
  std::vector<std::size_t> starts;
};

WordPiece::WordPiece(std::string vocabulary, std::string_view name)
    : vocabulary_(std::move(vocabulary)) {
  if (const auto offset = find_invalid_utf8(vocabulary_)) {
    throw ConfigError(
        "{} is not UTF-8 at byte {}; expected one piece a line, as in BERT's vocab.txt", name,
        *offset);
  }
  std::string_view rest = vocabulary_;
  while (!rest.empty()) {
    const std::size_t line_end = std::min(rest.find('\n'), rest.size());
    std::string_view piece = strip(rest.substr(0, line_end));
    rest.remove_prefix(std::min(line_end + 1, rest.size()));
    longest_ = std::max(longest_, character_count(piece));
    // Of equal lines the last counts, as in the released loader.
    if (piece.starts_with(kContinuation) && piece.size() > kContinuation.size()) {
      following_[piece.substr(kContinuation.size())] = size_++;
    } else {
      first_[piece] = size_++;
    }
  }
  pad_ = special("[PAD]", name);
  unknown_ = special("[UNK]", name);
  cls_ = special("[CLS]", name);
  sep_ = special("[SEP]", name);
}

std::int64_t WordPiece::special(std::string_view token, std::string_view name) const {
  const auto found = first_.find(token);
  if (found == first_.end()) {
    throw ConfigError("{} ({} lines) lacks {}; expected a BERT vocabulary, one piece a line", name,
                      size_, token);
  }
  return found->second;
}

std::vector<Token> WordPiece::tokenize(std::string_view text) const {
  std::vector<Token> tokens;
  for (const std::vector<Character>& raw : split_words(text)) {
    if (is_special_token(raw)) {
      cut(Word(raw), tokens);
      continue;
    }
    const std::vector<Character> word = normalise(raw);
    const std::span<const Character> characters(word);
    std::size_t begin = 0;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (!separates(word[i].code)) continue;
      if (i > begin) cut(Word(characters.subspan(begin, i - begin)), tokens);
      cut(Word(characters.subspan(i, 1)), tokens);
      begin = i + 1;
    }
    if (begin < word.size()) cut(Word(characters.subspan(begin)), tokens);
  }
  return tokens;
}

WordPiece::Match WordPiece::longest_match(const Word& word, std::size_t begin) const {
  const Pieces& pieces = begin == 0 ? first_ : following_;
  for (std::size_t end = std::min(word.size(), begin + longest_); end > begin; --end) {
    const auto found = pieces.find(word.part(begin, end));
    if (found != pieces.end()) return {found->second, end};
  }
  return {unknown_, begin};
}

void WordPiece::cut(const Word& word, std::vector<Token>& tokens) const {
  const std::size_t before = tokens.size();
  std::size_t begin = 0;
  while (begin < word.size() && word.size() <= kLongestWord) {
    const Match match = longest_match(word, begin);
    if (match.end == begin) break;
    tokens.push_back(place(match.id, word.characters.subspan(begin, match.end - begin)));
    begin = match.end;
  }
  if (begin < word.size()) {
    tokens.resize(before);
    tokens.push_back(place(unknown_, word.characters));
  }
}

Encoded WordPiece::encode(std::string_view text, std::int64_t length) const {
  return frame(tokenize(text), cls_, sep_, length);
}

}  // namespace referent::text
