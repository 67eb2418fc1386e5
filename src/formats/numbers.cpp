// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/numbers.h"

#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace referent::formats {
namespace {

template <typename T>
std::vector<double> converted(const Tensor& tensor) {
  const std::vector<T> values = tensor.values<T>();
  return {values.begin(), values.end()};
}

std::vector<double> converted(const Tensor& tensor, float (*to_float)(std::uint16_t)) {
  std::vector<double> result;
  result.reserve(tensor.bytes.size() / 2);
  for (const std::uint16_t bits : tensor.values<std::uint16_t>()) result.push_back(to_float(bits));
  return result;
}

}  // namespace

float half_to_float(std::uint16_t bits) {
  const float sign = (bits & 0x8000U) != 0 ? -1.0F : 1.0F;
  const int exponent = (bits >> 10) & 0x1F;
  const auto fraction = static_cast<float>(bits & 0x3FFU);
  if (exponent == 0x1F) {
    return fraction == 0 ? sign * std::numeric_limits<float>::infinity()
                         : std::numeric_limits<float>::quiet_NaN();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

bool is_floating(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16 || dtype == DType::kFloat32 ||
         dtype == DType::kFloat64;
}

std::vector<double> to_doubles(const Tensor& tensor) {
  switch (tensor.dtype) {
    case DType::kBool:
    case DType::kUInt8:
      return converted<std::uint8_t>(tensor);
    case DType::kInt8:
      return converted<std::int8_t>(tensor);
    case DType::kInt16:
      return converted<std::int16_t>(tensor);
    case DType::kInt32:
      return converted<std::int32_t>(tensor);
    case DType::kInt64:
      return converted<std::int64_t>(tensor);
    case DType::kFloat16:
      return converted(tensor, &half_to_float);
    case DType::kBFloat16:
      return converted(tensor, &bfloat16_to_float);
    case DType::kFloat32:
      return converted<float>(tensor);
    case DType::kFloat64:
      return converted<double>(tensor);
  }
  throw std::logic_error("unknown dtype");
}

}  // namespace referent::formats
