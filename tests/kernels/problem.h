// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/common/numbers.h"

/// Inputs and comparison for the tests of kernels, with and without a GPU.
namespace referent::kernels {

template <class T>
constexpr DataType kDataType = DataType::kFloat32;
template <>
inline constexpr DataType kDataType<Half> = DataType::kFloat16;
template <>
inline constexpr DataType kDataType<BFloat16> = DataType::kBFloat16;

/// 16-byte aligned storage, as device allocations are.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) : words_((count * sizeof(T) + 15) / 16 + 1), count_(count) {}
  T* data() { return reinterpret_cast<T*>(words_.data()); }
  const T* data() const { return reinterpret_cast<const T*>(words_.data()); }
  std::size_t size() const { return count_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }

 private:
  struct alignas(16) Word {
    char bytes[16];
  };
  std::vector<Word> words_;
  std::size_t count_ = 0;
};

/// Values in (-1, 1) times `scale`, rounded to T; the same on every machine.
template <class T>
Buffer<T> random_values(std::size_t count, std::uint64_t seed, float scale = 1.0F) {
  Buffer<T> values(count);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const float unit = static_cast<float>(static_cast<std::int64_t>(state) >> 40) * 0x1p-23F;
    values[i] = from_float<T>(scale * unit);
  }
  return values;
}

/// The relative error of one rounding to the type, and of one product.
template <class Math>
double unit_roundoff() {
  if constexpr (sizeof(typename Math::Storage) == 4) {
    return Math::kParts == 2 ? 0x1p-21 : 0x1p-11;
  } else {
    return std::is_same_v<typename Math::Storage, Half> ? 0x1p-11 : 0x1p-8;
  }
}

}  // namespace referent::kernels
