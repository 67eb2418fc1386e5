// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace referent::formats {

/// Reverses the bytes of every element.
inline void swap_bytes(std::span<std::byte> bytes, std::size_t element) {
  for (std::size_t i = 0; i + element <= bytes.size(); i += element) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + element));
  }
}

/// The elements of a strided view, row-major. `strides` are in elements; the caller has checked
/// that every element lies in `source`.
inline std::vector<std::byte> gather(std::span<const std::byte> source, std::size_t element,
                                     std::span<const std::int64_t> shape,
                                     std::span<const std::int64_t> strides) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  std::vector<std::byte> result(static_cast<std::size_t>(count) * element);
  std::vector<std::int64_t> index(shape.size(), 0);
  std::int64_t position = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(result.data() + static_cast<std::size_t>(i) * element,
                source.data() + static_cast<std::size_t>(position) * element, element);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      position += strides[axis];
      if (++index[axis] < shape[axis]) break;
      position -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

}  // namespace referent::formats
