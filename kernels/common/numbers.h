// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/common/portable.h"

namespace referent::kernels {

/// Element types as they lie in memory.
enum class DataType { kFloat32, kFloat16, kBFloat16 };

struct BFloat16 {
  std::uint16_t bits;
};
struct Half {
  std::uint16_t bits;
};

REFERENT_HOST_DEVICE std::uint32_t float_bits(float value) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(value);
#else
  std::uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  return bits;
#endif
}

REFERENT_HOST_DEVICE float bits_float(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
#endif
}

REFERENT_HOST_DEVICE constexpr bool is_finite_bits(std::uint32_t bits) {
  return (bits & 0x7f800000u) != 0x7f800000u;
}

REFERENT_HOST_DEVICE float to_float(float value) {
  return value;
}
REFERENT_HOST_DEVICE float to_float(BFloat16 value) {
  return bits_float(static_cast<std::uint32_t>(value.bits) << 16);
}
REFERENT_HOST_DEVICE float to_float(Half value) {
#if defined(__CUDA_ARCH__)
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
  return result;
#else
  const std::uint32_t sign = (value.bits & 0x8000u) << 16;
  const std::uint32_t exponent = (value.bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = value.bits & 0x3ffu;
  if (exponent == 0x1f) return bits_float(sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return bits_float(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // zero or subnormal
  return sign != 0 ? -magnitude : magnitude;
#endif
}

/// Rounds to nearest, ties to even.
template <class T>
REFERENT_HOST_DEVICE T from_float(float value);

template <>
REFERENT_HOST_DEVICE float from_float<float>(float value) {
  return value;
}
template <>
REFERENT_HOST_DEVICE BFloat16 from_float<BFloat16>(float value) {
#if defined(__CUDA_ARCH__)
  BFloat16 result;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
#else
  const std::uint32_t bits = float_bits(value);
  if (!is_finite_bits(bits)) {
    const bool nan = (bits & 0x007fffffu) != 0;
    return {static_cast<std::uint16_t>(nan ? 0x7fff : bits >> 16)};
  }
  return {static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
#endif
}
template <>
REFERENT_HOST_DEVICE Half from_float<Half>(float value) {
#if defined(__CUDA_ARCH__)
  Half result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
#else
  const std::uint32_t bits = float_bits(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return {0x7fff};
  if (magnitude >= 0x477ff000u) return {static_cast<std::uint16_t>(sign | 0x7c00u)};
  if (magnitude < 0x38800000u) {
    // Subnormal: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits of the sum.
    magnitude = float_bits(bits_float(magnitude) + 0.5f) - float_bits(0.5f);
    return {static_cast<std::uint16_t>(sign | magnitude)};
  }
  magnitude += 0xfffu + (magnitude >> 13 & 1u);
  return {static_cast<std::uint16_t>(sign | (magnitude - (112u << 23)) >> 13)};
#endif
}

/// Rounds to the 10-bit mantissa of TF32, ties away from zero, as cvt.rna.tf32 does, but on the
/// integer units, which have four times the rate of conversions.
REFERENT_HOST_DEVICE std::uint32_t round_tf32(std::uint32_t bits) {
  return is_finite_bits(bits) ? (bits + 0x1000u) & 0xffffe000u : bits;
}

/// How products are formed. kParts: into how many TF32 numbers an operand is split.
struct BFloat16Math {
  using Storage = BFloat16;
  static constexpr int kParts = 1;
};
struct Float16Math {
  using Storage = Half;
  static constexpr int kParts = 1;
};
struct Tf32Math {
  using Storage = float;
  static constexpr int kParts = 1;
};
/// float32 on tensor cores: x = big + small, and a b = small b' + a' small + big big, which leaves
/// out 2^-22 of a product. An infinite operand gives NaN.
struct Float32Math {
  using Storage = float;
  static constexpr int kParts = 2;
};

}  // namespace referent::kernels
