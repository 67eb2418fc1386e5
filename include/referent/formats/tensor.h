// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace referent::formats {

enum class DType { kBool, kUInt8, kInt8, kInt16, kInt32, kInt64, kFloat16, kBFloat16, kFloat32, kFloat64 };

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

/// A tensor that owns a copy of `values`.
template <typename T>
Tensor make_tensor(DType dtype, std::vector<std::int64_t> shape, std::span<const T> values);

/// "float32 [64, 3, 7, 7]", for messages.
std::string describe(const Tensor& tensor);

using TensorMap = std::map<std::string, Tensor>;

/// What a tensor file holds.
struct TensorFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};

}  // namespace referent::formats
