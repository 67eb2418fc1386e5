// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "referent/core/error.h"

namespace referent::formats {

enum class DType {
  kBool,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64
};

/// Bytes of one element.
std::size_t element_size(DType dtype);
/// safetensors' name: "F32", "BF16", "I64", "BOOL", ...
std::string_view dtype_name(DType dtype);

/// A tensor without LibTorch: row-major bytes that `owner` (a file map or a buffer) keeps alive.
struct Tensor {
  DType dtype = DType::kFloat32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;

  /// Number of elements.
  std::int64_t count() const;
  /// The bytes as values; `T` must have the size of an element. The bytes may be unaligned in a
  /// file map, so this copies.
  template <typename T>
  std::vector<T> values() const;
};

/// A tensor that owns `bytes`, whose number must be that of `shape` and `dtype`.
Tensor make_tensor_from_bytes(DType dtype, std::vector<std::int64_t> shape,
                              std::vector<std::byte> bytes);

/// A tensor that owns a copy of `values`.
template <typename T>
Tensor make_tensor(DType dtype, std::vector<std::int64_t> shape, std::span<const T> values);

/// "float32 [64, 3, 7, 7]", for messages.
std::string describe(const Tensor& tensor);
std::string describe_shape(std::span<const std::int64_t> shape);

using TensorMap = std::map<std::string, Tensor>;

/// What a tensor file holds.
struct TensorFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

template <typename T>
std::vector<T> Tensor::values() const {
  REFERENT_CHECK(sizeof(T) == element_size(dtype), "{} read as elements of {} bytes",
                 describe(*this), sizeof(T));
  std::vector<T> result(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

template <typename T>
Tensor make_tensor(DType dtype, std::vector<std::int64_t> shape, std::span<const T> values) {
  REFERENT_CHECK(sizeof(T) == element_size(dtype), "{} made of elements of {} bytes",
                 dtype_name(dtype), sizeof(T));
  const auto source = std::as_bytes(values);
  return make_tensor_from_bytes(dtype, std::move(shape), {source.begin(), source.end()});
}

}  // namespace referent::formats
