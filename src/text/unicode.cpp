// SPDX-License-Identifier: Apache-2.0
#include "unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "referent/core/error.h"
#include "referent/text/utf8.h"

namespace referent::text {
namespace {

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSmallSigma = 0x3C3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kCapitalIWithDot = 0x130;
constexpr char32_t kCombiningDotAbove = 0x307;

utf8proc_category_t category(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

/// Unicode's Case_Ignorable: what the final-sigma rule looks through.
bool is_case_ignorable(char32_t code) {
  switch (category(code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      break;
  }
  // Word_Break = MidLetter, MidNumLet or Single_Quote.
  constexpr std::array<char32_t, 17> kInsideWords{0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,
                                                  0x5F4,  0x2018, 0x2019, 0x2024, 0x2027, 0xFE13,
                                                  0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
  return std::binary_search(kInsideWords.begin(), kInsideWords.end(), code);
}

/// Unicode's Cased, for characters that are not case-ignorable.
bool is_cased(char32_t code) {
  switch (category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
      return true;
    default:
      break;
  }
  // Other_Lowercase and Other_Uppercase: ordinal signs, Roman numerals, enclosed letters.
  const auto within = [code](char32_t first, char32_t last) {
    return code >= first && code <= last;
  };
  return code == 0xAA || code == 0xBA || within(0x2160, 0x217F) || within(0x24B6, 0x24E9) ||
         within(0x1F130, 0x1F149) || within(0x1F150, 0x1F169) || within(0x1F170, 0x1F189);
}

/// Is the sigma at `index` the last letter of a word of at least two (Unicode's Final_Sigma)?
bool is_final_sigma(std::span<const Character> characters, std::size_t index) {
  std::size_t before = index;
  while (before > 0 && is_case_ignorable(characters[before - 1].code)) --before;
  if (before == 0 || !is_cased(characters[before - 1].code)) return false;
  std::size_t after = index + 1;
  while (after < characters.size() && is_case_ignorable(characters[after].code)) ++after;
  return after == characters.size() || !is_cased(characters[after].code);
}

int combining_class(char32_t code) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class;
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  std::size_t offset = 0;
  while (offset < text.size()) {
    utf8proc_int32_t code = 0;
    const auto length = utf8proc_iterate(
        bytes + offset, static_cast<utf8proc_ssize_t>(text.size() - offset), &code);
    if (length <= 0) return offset;
    offset += static_cast<std::size_t>(length);
  }
  return std::nullopt;
}

void check_utf8(std::string_view text, std::string_view what) {
  if (const auto offset = find_invalid_utf8(text)) {
    throw DataError("{} is not UTF-8: byte 0x{:02X} at offset {} begins no character; convert it",
                    what, static_cast<unsigned char>(text[*offset]), *offset);
  }
}

std::string to_lower(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const Character& character : lower(decode_utf8(text, "the text"))) {
    append_utf8(character.code, result);
  }
  return result;
}

std::vector<Character> decode_utf8(std::string_view text, std::string_view what) {
  check_utf8(text, what);
  std::vector<Character> characters;
  characters.reserve(text.size());
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  std::size_t offset = 0;
  while (offset < text.size()) {
    utf8proc_int32_t code = 0;
    const auto length = utf8proc_iterate(
        bytes + offset, static_cast<utf8proc_ssize_t>(text.size() - offset), &code);
    const auto begin = static_cast<std::int64_t>(offset);
    offset += static_cast<std::size_t>(length);
    characters.push_back({static_cast<char32_t>(code), begin, static_cast<std::int64_t>(offset)});
  }
  return characters;
}

void append_utf8(char32_t code, std::string& text) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes.data());
  text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

bool is_python_space(char32_t code) {
  // The bidirectional classes WS, B and S as well as Zs; a closed list since Unicode 6.3.
  return (code >= 0x9 && code <= 0xD) || (code >= 0x1C && code <= 0x20) || code == 0x85 ||
         code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
         code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_other(char32_t code) {
  switch (category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
      return true;
    default:
      return false;
  }
}

bool is_space_separator(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_ZS;
}

bool is_punctuation(char32_t code) {
  switch (category(code)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_PS:
      return true;
    default:
      return false;
  }
}

bool is_nonspacing_mark(char32_t code) {
  return category(code) == UTF8PROC_CATEGORY_MN;
}

std::vector<Character> lower(std::span<const Character> characters) {
  std::vector<Character> result;
  result.reserve(characters.size());
  for (std::size_t i = 0; i < characters.size(); ++i) {
    Character character = characters[i];
    if (character.code == kCapitalSigma) {
      character.code = is_final_sigma(characters, i) ? kFinalSigma : kSmallSigma;
    } else {
      character.code =
          static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(character.code)));
    }
    result.push_back(character);
    // The one full mapping that is longer than its source.
    if (characters[i].code == kCapitalIWithDot) {
      result.push_back({kCombiningDotAbove, character.begin, character.end});
    }
  }
  return result;
}

std::vector<Character> decompose(std::span<const Character> characters) {
  std::vector<Character> result;
  result.reserve(characters.size());
  for (const Character& character : characters) {
    std::array<utf8proc_int32_t, 8> parts{};
    int boundary = 0;
    const auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character.code), parts.data(),
                                parts.size(), UTF8PROC_DECOMPOSE, &boundary);
    REFERENT_CHECK(count > 0 && count <= static_cast<utf8proc_ssize_t>(parts.size()),
                   "U+{:04X} decomposes into {} parts", static_cast<unsigned>(character.code),
                   count);
    for (utf8proc_ssize_t i = 0; i < count; ++i) {
      result.push_back({static_cast<char32_t>(parts[static_cast<std::size_t>(i)]), character.begin,
                        character.end});
    }
  }
  // Canonical order: runs of combining marks by class, stable.
  for (auto run = result.begin(); run != result.end();) {
    if (combining_class(run->code) == 0) {
      ++run;
      continue;
    }
    const auto last = std::find_if(run, result.end(), [](const Character& character) {
      return combining_class(character.code) == 0;
    });
    std::stable_sort(run, last, [](const Character& a, const Character& b) {
      return combining_class(a.code) < combining_class(b.code);
    });
    run = last;
  }
  return result;
}

}  // namespace referent::text
