// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/index_file.h"

#include "referent/core/error.h"
#include "referent/formats/torch_file.h"

namespace referent::formats {
namespace {

using pickle::Kind;
using pickle::Value;

constexpr std::size_t kShortEntry = 3;  ///< image, box, expression
constexpr std::size_t kLongEntry = 5;   ///< image, mask file, box, expression, attributes

template <typename T>
std::array<double, 4> from_values(const Tensor& tensor) {
  const std::vector<T> values = tensor.values<T>();
  return {static_cast<double>(values[0]), static_cast<double>(values[1]),
          static_cast<double>(values[2]), static_cast<double>(values[3])};
}

std::array<double, 4> box_from_tensor(const Tensor& tensor) {
  if (tensor.count() == 4) {
    switch (tensor.dtype) {
      case DType::kFloat32:
        return from_values<float>(tensor);
      case DType::kFloat64:
        return from_values<double>(tensor);
      case DType::kInt16:
        return from_values<std::int16_t>(tensor);
      case DType::kInt32:
        return from_values<std::int32_t>(tensor);
      case DType::kInt64:
        return from_values<std::int64_t>(tensor);
      default:
        break;
    }
  }
  throw DataError("expected a box of 4 numbers, found {}", describe(tensor));
}

std::array<double, 4> parse_box(const Value& value) {
  if (value.is(Kind::kTensor)) return box_from_tensor(value.tensor());
  std::array<double, 4> box{};
  if (value.size() != box.size()) {
    throw DataError("expected a box of 4 numbers, found {}", value.describe());
  }
  for (std::size_t i = 0; i < box.size(); ++i) box[i] = value.at(i).as_double();
  return box;
}

IndexEntry parse_entry(const Value& value) {
  if (!value.is(Kind::kTuple) && !value.is(Kind::kList)) {
    throw DataError("expected a tuple, found {}", value.describe());
  }
  IndexEntry entry;
  entry.image = value.at(0).text();
  if (value.size() == kShortEntry) {
    entry.box = parse_box(value.at(1));
    entry.expression = value.at(2).text();
  } else if (value.size() == kLongEntry) {
    entry.mask_file = value.at(1).text();
    entry.box = parse_box(value.at(2));
    entry.expression = value.at(3).text();
  } else {
    throw DataError("expected {} or {} fields, found {}", kShortEntry, kLongEntry, value.size());
  }
  return entry;
}

}  // namespace

std::vector<IndexEntry> read_index(const Path& path) {
  const Value list = read_torch_file(path);
  if (!list.is(Kind::kList)) {
    throw DataError("{}: expected a list of entries, found {}", path.string(), list.describe());
  }
  std::vector<IndexEntry> entries;
  try {
    for (std::size_t i = 0; i < list.size(); ++i) entries.push_back(parse_entry(list.at(i)));
  } catch (const DataError& error) {
    throw DataError("{}: entry {}: {}", path.string(), entries.size(), error.what());
  }
  return entries;
}

}  // namespace referent::formats
