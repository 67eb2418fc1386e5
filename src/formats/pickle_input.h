// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "referent/core/error.h"

namespace referent::formats::pickle {

/// The bytes of a pickle, taken from the front. All members throw DataError at the end.
class Input {
 public:
  explicit Input(std::span<const std::byte> bytes)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  std::size_t position() const { return position_; }
  std::size_t left() const { return text_.size() - position_; }

  std::string_view take(std::uint64_t count) {
    if (count > left()) throw DataError("the pickle is cut");
    const std::string_view taken = text_.substr(position_, count);
    position_ += count;
    return taken;
  }

  /// A little-endian number.
  template <typename T>
  T little() {
    T value = 0;
    const std::string_view taken = take(sizeof(T));
    for (std::size_t i = sizeof(T); i-- > 0;) {
      value = static_cast<T>(static_cast<std::uint64_t>(value) << 8U |
                             static_cast<unsigned char>(taken[i]));
    }
    return value;
  }

  /// Up to the next newline, which is taken but not returned.
  std::string_view line() {
    const std::size_t end = text_.find('\n', position_);
    if (end == std::string_view::npos) throw DataError("the pickle is cut");
    const std::size_t length = end - position_;
    return take(length + 1).substr(0, length);
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace referent::formats::pickle
