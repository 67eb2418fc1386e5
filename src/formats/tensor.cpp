// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/tensor.h"

#include <fmt/ranges.h>

#include <array>
#include <utility>

#include "checked.h"

namespace referent::formats {
namespace {

struct DTypeInfo {
  std::size_t size;
  std::string_view name;
  std::string_view long_name;
};

const DTypeInfo& info(DType dtype) {
  static constexpr std::array<DTypeInfo, 10> kInfo{{{1, "BOOL", "bool"},
                                                    {1, "U8", "uint8"},
                                                    {1, "I8", "int8"},
                                                    {2, "I16", "int16"},
                                                    {4, "I32", "int32"},
                                                    {8, "I64", "int64"},
                                                    {2, "F16", "float16"},
                                                    {2, "BF16", "bfloat16"},
                                                    {4, "F32", "float32"},
                                                    {8, "F64", "float64"}}};
  return kInfo.at(static_cast<std::size_t>(dtype));
}

}  // namespace

std::size_t element_size(DType dtype) {
  return info(dtype).size;
}

std::string_view dtype_name(DType dtype) {
  return info(dtype).name;
}

std::int64_t Tensor::count() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) product *= extent;
  return product;
}

Tensor make_tensor_from_bytes(DType dtype, std::vector<std::int64_t> shape,
                              std::vector<std::byte> bytes) {
  REFERENT_CHECK(checked_bytes(shape, dtype) == bytes.size(), "{} bytes for {} {}", bytes.size(),
                 info(dtype).long_name, describe_shape(shape));
  const auto buffer = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return {dtype, std::move(shape), *buffer, buffer};
}

std::string describe_shape(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::string describe(const Tensor& tensor) {
  return fmt::format("{} {}", info(tensor.dtype).long_name, describe_shape(tensor.shape));
}

}  // namespace referent::formats
