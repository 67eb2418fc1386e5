// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "referent/image/encode.h"

namespace referent::testing {

/// A JPEG file of these stored pixels with an EXIF orientation, 1 to 8, behind its first marker.
inline std::vector<std::byte> turned_jpeg(const image::Image& stored, std::uint8_t orientation) {
  std::vector<std::byte> bytes = image::encode_jpeg(stored, 95);
  using namespace std::string_view_literals;
  std::string segment(
      "\xFF\xE1\0\x22"
      "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0?\0\0\0\0\0\0"sv);
  segment[segment.find('?')] = static_cast<char>(orientation);
  const auto more = std::as_bytes(std::span(segment));
  bytes.insert(bytes.begin() + 2, more.begin(), more.end());
  return bytes;
}

}  // namespace referent::testing
