// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The literals of pickle's text and long-integer opcodes. All functions throw DataError.
namespace referent::formats::pickle {

struct Integer {
  std::optional<std::int64_t> small;
  std::string digits;  ///< decimal, when it does not fit `small`
};

/// Decimal digits with an optional sign and Python 2's trailing L.
Integer parse_integer(std::string_view digits);
/// Little-endian two's complement of any length.
Integer decode_integer(std::string_view bytes);
double parse_float(std::string_view digits);
std::uint64_t parse_index(std::string_view digits);

/// The bytes of a quoted Python 2 string literal: 'a\n\x00'.
std::string unquote_string(std::string_view literal);
/// Python's raw-unicode-escape (Latin-1 with \uXXXX and \UXXXXXXXX) as UTF-8.
std::string decode_raw_unicode_escape(std::string_view text);

}  // namespace referent::formats::pickle
