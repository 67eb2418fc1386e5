// SPDX-License-Identifier: Apache-2.0
#include "pickle_literals.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "pickle_graph.h"
#include "referent/core/error.h"

namespace referent::formats::pickle {
namespace {

/// Longer integers are never data; converting them takes quadratic time.
constexpr std::size_t kMaxIntegerBytes = 1024;
constexpr std::size_t kMaxIntegerDigits = 2500;
constexpr std::uint32_t kMaxCodePoint = 0x10FFFF;

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The magnitude of a little-endian two's complement number, and whether it is negative.
bool take_magnitude(std::vector<std::uint8_t>& bytes) {
  if (bytes.empty() || bytes.back() < 0x80) return false;
  unsigned carry = 1;
  for (std::uint8_t& byte : bytes) {
    const unsigned sum = static_cast<std::uint8_t>(~byte) + carry;
    byte = static_cast<std::uint8_t>(sum);
    carry = sum >> 8U;
  }
  return true;
}

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text.push_back(static_cast<char>(0xC0U | code >> 6U));
    text.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  } else if (code < 0x10000) {
    text.push_back(static_cast<char>(0xE0U | code >> 12U));
    text.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3FU)));
    text.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  } else {
    text.push_back(static_cast<char>(0xF0U | code >> 18U));
    text.push_back(static_cast<char>(0x80U | (code >> 12U & 0x3FU)));
    text.push_back(static_cast<char>(0x80U | (code >> 6U & 0x3FU)));
    text.push_back(static_cast<char>(0x80U | (code & 0x3FU)));
  }
}

/// The number that all of `digits` is in `base`.
std::uint32_t parse_code(std::string_view digits, std::size_t count, int base) {
  std::uint32_t code = 0;
  const std::string_view part = digits.substr(0, count);
  const auto [end, error] = std::from_chars(part.begin(), part.end(), code, base);
  if (part.size() != count || end != part.end() || error != std::errc()) {
    throw DataError("a broken escape in a string");
  }
  return code;
}

char simple_escape(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return letter;
    default:
      throw DataError("a broken escape in a string");
  }
}

}  // namespace

Integer parse_integer(std::string_view digits) {
  if (digits.ends_with('L')) digits.remove_suffix(1);
  std::string_view unsigned_digits = digits;
  if (unsigned_digits.starts_with('-')) unsigned_digits.remove_prefix(1);
  if (!all_digits(unsigned_digits) || digits.size() > kMaxIntegerDigits) {
    throw DataError("'{}' is not a whole number", digits.substr(0, 40));
  }
  Integer result;
  std::int64_t value = 0;
  if (std::from_chars(digits.begin(), digits.end(), value).ec == std::errc()) {
    result.small = value;
  } else {
    result.digits = digits;
  }
  return result;
}

Integer decode_integer(std::string_view source) {
  if (source.size() > kMaxIntegerBytes) {
    throw DataError("an integer of {} bytes; at most {} are read", source.size(), kMaxIntegerBytes);
  }
  std::vector<std::uint8_t> bytes(source.begin(), source.end());
  const bool negative = take_magnitude(bytes);
  std::string digits;
  while (!bytes.empty()) {
    unsigned remainder = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      const unsigned value = remainder << 8U | bytes[i];
      bytes[i] = static_cast<std::uint8_t>(value / 10);
      remainder = value % 10;
    }
    digits.push_back(static_cast<char>('0' + remainder));
    while (!bytes.empty() && bytes.back() == 0) bytes.pop_back();
  }
  if (digits.empty()) digits.push_back('0');
  if (negative) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return parse_integer(digits);
}

double parse_float(std::string_view digits) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  if (end != digits.end() || error != std::errc()) {
    throw DataError("'{}' is not a number", digits.substr(0, 40));
  }
  return value;
}

std::uint64_t parse_index(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  if (end != digits.end() || error != std::errc()) {
    throw DataError("'{}' is not a memo index", digits.substr(0, 40));
  }
  return value;
}

std::string unquote_string(std::string_view literal) {
  if (literal.size() < 2 || (literal.front() != '\'' && literal.front() != '"') ||
      literal.back() != literal.front()) {
    throw DataError("a string without its quotes");
  }
  literal = literal.substr(1, literal.size() - 2);
  std::string result;
  while (!literal.empty()) {
    const char c = literal.front();
    literal.remove_prefix(1);
    if (c != '\\') {
      result.push_back(c);
      continue;
    }
    if (literal.empty()) throw DataError("a broken escape in a string");
    const char letter = literal.front();
    if (letter == 'x') {
      result.push_back(static_cast<char>(parse_code(literal.substr(1), 2, 16)));
      literal.remove_prefix(3);
    } else if (letter >= '0' && letter <= '7') {
      std::size_t count = 1;
      while (count < 3 && count < literal.size() && literal[count] >= '0' &&
             literal[count] <= '7') {
        ++count;
      }
      result.push_back(static_cast<char>(parse_code(literal, count, 8)));
      literal.remove_prefix(count);
    } else {
      result.push_back(simple_escape(letter));
      literal.remove_prefix(1);
    }
  }
  return result;
}

std::string decode_raw_unicode_escape(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const bool escape = text.size() > 1 && text[0] == '\\' && (text[1] == 'u' || text[1] == 'U');
    if (!escape) {
      append_utf8(result, static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    const std::size_t count = text[1] == 'u' ? 4 : 8;
    const std::uint32_t code = parse_code(text.substr(2), count, 16);
    if (code > kMaxCodePoint) throw DataError("a broken escape in a string");
    append_utf8(result, code);
    text.remove_prefix(2 + count);
  }
  return result;
}

}  // namespace referent::formats::pickle
