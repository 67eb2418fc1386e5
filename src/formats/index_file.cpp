// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/index_file.h"

#include <utility>

#include "referent/core/error.h"
#include "referent/formats/pickle_writer.h"
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

IndexRow parse_entry(const Value& value) {
  if (!value.is(Kind::kTuple) && !value.is(Kind::kList)) {
    throw DataError("expected a tuple, found {}", value.describe());
  }
  IndexRow row;
  IndexEntry& entry = row.entry;
  entry.image = value.at(0).text();
  const bool is_short = value.size() == kShortEntry;
  if (!is_short && value.size() != kLongEntry) {
    throw DataError("expected {} or {} fields, found {}", kShortEntry, kLongEntry, value.size());
  }
  if (!is_short) {
    entry.mask_file = value.at(1).text();
    const Value attributes = value.at(4);
    entry.has_attributes = attributes.is(Kind::kList) && attributes.size() > 0;
  }
  const Value box = value.at(is_short ? 1 : 2);
  row.has_box = !box.is(Kind::kNone);
  if (row.has_box) entry.box = parse_box(box);
  entry.expression = value.at(is_short ? 2 : 3).text();
  return row;
}

}  // namespace

std::vector<IndexRow> read_index_rows(const Path& path) {
  const Value list = read_torch_file(path);
  if (!list.is(Kind::kList)) {
    throw DataError("{}: expected a list of entries, found {}", path.string(), list.describe());
  }
  std::vector<IndexRow> rows;
  rows.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    try {
      rows.push_back(parse_entry(list.at(i)));
    } catch (const DataError& error) {
      rows.emplace_back();
      rows.back().fault = error.what();
    }
  }
  return rows;
}

std::vector<IndexEntry> read_index(const Path& path) {
  std::vector<IndexEntry> entries;
  for (IndexRow& row : read_index_rows(path)) {
    if (row.fault.empty() && !row.has_box) row.fault = "expected a box of 4 numbers, found None";
    if (!row.fault.empty()) {
      throw DataError("{}: entry {}: {}", path.string(), entries.size(), row.fault);
    }
    entries.push_back(std::move(row.entry));
  }
  return entries;
}

void write_index(const Path& path, const std::vector<IndexEntry>& entries, bool flickr) {
  pickle::Writer writer;
  writer.begin_list();
  for (const IndexEntry& entry : entries) {
    writer.begin_tuple();
    writer.text(entry.image);
    if (!flickr) writer.text(entry.mask_file.value_or(""));
    writer.begin_list();
    for (const double number : entry.box) writer.number(number);
    writer.end_list();
    writer.text(entry.expression);
    if (!flickr) {
      writer.begin_list();
      writer.end_list();
    }
    writer.end_tuple();
  }
  writer.end_list();
  pickle::write_torch_zip(path, writer.finish());
}

}  // namespace referent::formats
