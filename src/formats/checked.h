// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "referent/formats/tensor.h"

/// Arithmetic on numbers read from a file: no value when the result does not fit.
namespace referent::formats {

inline std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

inline std::optional<std::uint64_t> checked_multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// Whether [offset, offset + length) lies in [0, size).
inline bool in_range(std::uint64_t offset, std::uint64_t length, std::uint64_t size) {
  return offset <= size && length <= size - offset;
}

/// Bytes of a tensor of `shape`; no value when an extent is negative or the product is not an
/// int64.
inline std::optional<std::uint64_t> checked_bytes(std::span<const std::int64_t> shape,
                                                  DType dtype) {
  std::uint64_t total = element_size(dtype);
  bool empty = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) {
      empty = true;
      continue;
    }
    const auto product = checked_multiply(total, static_cast<std::uint64_t>(extent));
    if (!product || *product > INT64_MAX) return std::nullopt;
    total = *product;
  }
  return empty ? 0 : total;
}

}  // namespace referent::formats
