// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace referent::image {

/// Bounds-checked reads of untrusted bytes: what lies outside reads as zero, so a caller asks `has`
/// first where that matters.
class ByteView {
 public:
  explicit ByteView(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t size() const { return bytes_.size(); }
  bool has(std::size_t offset, std::size_t count) const {
    return offset <= bytes_.size() && count <= bytes_.size() - offset;
  }
  /// The part of [offset, offset + count) that exists.
  std::span<const std::byte> slice(std::size_t offset, std::size_t count) const {
    if (offset >= bytes_.size()) return {};
    return bytes_.subspan(offset, std::min(count, bytes_.size() - offset));
  }
  bool starts_with(std::string_view text, std::size_t offset = 0) const {
    const auto part = slice(offset, text.size());
    return std::string_view(reinterpret_cast<const char*>(part.data()), part.size()) == text;
  }

  std::uint32_t u8(std::size_t offset) const {
    return has(offset, 1) ? std::to_integer<std::uint32_t>(bytes_[offset]) : 0;
  }
  std::uint32_t big16(std::size_t offset) const { return u8(offset) << 8 | u8(offset + 1); }
  std::uint32_t big32(std::size_t offset) const { return big16(offset) << 16 | big16(offset + 2); }
  std::uint32_t little16(std::size_t offset) const { return u8(offset) | u8(offset + 1) << 8; }
  std::uint32_t little32(std::size_t offset) const {
    return little16(offset) | little16(offset + 2) << 16;
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace referent::image
