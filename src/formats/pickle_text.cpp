// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "pickle_graph.h"
#include "referent/core/error.h"

namespace referent::formats::pickle {
namespace {

/// Length of the UTF-8 sequence that `lead` begins and the bits of the code point in it; 0 if none.
struct Lead {
  int length;
  std::uint32_t bits;
  std::uint32_t smallest;
};

Lead decode_lead(unsigned char lead) {
  if (lead < 0x80) return {1, lead, 0};
  if ((lead & 0xE0U) == 0xC0) return {2, lead & 0x1FU, 0x80};
  if ((lead & 0xF0U) == 0xE0) return {3, lead & 0x0FU, 0x800};
  if ((lead & 0xF8U) == 0xF0) return {4, lead & 0x07U, 0x10000};
  return {0, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const Lead lead = decode_lead(static_cast<unsigned char>(bytes[i]));
    if (lead.length == 0 || i + lead.length > bytes.size()) return false;
    std::uint32_t code = lead.bits;
    for (int k = 1; k < lead.length; ++k) {
      const auto byte = static_cast<unsigned char>(bytes[i + k]);
      if ((byte & 0xC0U) != 0x80) return false;
      code = code << 6U | (byte & 0x3FU);
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < lead.smallest || code > 0x10FFFF || surrogate) return false;
    i += lead.length;
  }
  return true;
}

std::string utf8_from_latin1(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      result.push_back(c);
    } else {
      result.push_back(static_cast<char>(0xC0U | (byte >> 6U)));
      result.push_back(static_cast<char>(0x80U | (byte & 0x3FU)));
    }
  }
  return result;
}

std::string latin1_from_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      result.push_back(text[i]);
    } else if ((byte == 0xC2 || byte == 0xC3) && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[++i]);
      result.push_back(static_cast<char>((byte & 0x03U) << 6U | (next & 0x3FU)));
    } else {
      throw DataError("a text that stands for bytes has a character beyond Latin-1");
    }
  }
  return result;
}

}  // namespace referent::formats::pickle
