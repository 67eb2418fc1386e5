// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "checked.h"
#include "json_parse.h"
#include "referent/core/error.h"

namespace referent::formats {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaxHeader = 100'000'000;
constexpr std::size_t kLengthSize = 8;
constexpr const char* kMetadataKey = "__metadata__";

/// Element types in the order in which the reference implementation lays tensors out, last first.
constexpr std::array<DType, 10> kLayoutOrder{
    DType::kBool,     DType::kUInt8, DType::kInt8,    DType::kInt16,   DType::kFloat16,
    DType::kBFloat16, DType::kInt32, DType::kFloat32, DType::kFloat64, DType::kInt64};

std::uint64_t header_length(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = kLengthSize; i-- > 0;) {
    length = (length << 8U) | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return length;
}

DType parse_dtype(const Json& value, const std::string& where) {
  if (value.is_string()) {
    for (const DType dtype : kLayoutOrder) {
      if (value.get_ref<const std::string&>() == dtype_name(dtype)) return dtype;
    }
  }
  throw CheckpointError("{}: element type {} is not one we read", where, value.dump());
}

std::uint64_t parse_natural(const Json& value, const std::string& where) {
  if (!value.is_number_unsigned()) {
    throw CheckpointError("{}: expected a whole number of at least 0, found {}", where,
                          value.dump());
  }
  return value.get<std::uint64_t>();
}

const Json& member(const Json& object, const char* key, Json::value_t type,
                   const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->type() != type) {
    throw CheckpointError("{}: \"{}\" is missing or of the wrong type", where, key);
  }
  return *found;
}

struct Entry {
  const std::string* name;
  std::uint64_t begin;
  std::uint64_t end;
};

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
         const std::string& where)
      : bytes_(bytes), owner_(std::move(owner)), where_(where) {}

  TensorFile read() {
    const Json header = parse_header();
    TensorFile file;
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadataKey) {
        read_metadata(value, file);
        continue;
      }
      const auto position = file.tensors.emplace(name, Tensor{}).first;
      const auto [begin, end] = read_tensor(value, position->second, where_ + ": tensor " + name);
      entries.push_back({&position->first, begin, end});
    }
    check_layout(std::move(entries));
    return file;
  }

 private:
  Json parse_header() {
    if (bytes_.size() < kLengthSize) {
      throw CheckpointError("{}: {} bytes are too few for a safetensors file", where_,
                            bytes_.size());
    }
    const std::uint64_t length = header_length(bytes_);
    if (length > kMaxHeader || length > bytes_.size() - kLengthSize) {
      throw CheckpointError(
          "{}: a header of {} bytes is announced in a file of {} bytes (at most {} are read); the "
          "file is cut or not a safetensors file",
          where_, length, bytes_.size(), kMaxHeader);
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + kLengthSize, length);
    if (!text.starts_with('{')) {
      throw CheckpointError("{}: the header does not begin with '{{'", where_);
    }
    data_ = bytes_.subspan(kLengthSize + length);
    try {
      return parse_json(text, where_ + ": header");
    } catch (const DataError& error) {
      throw CheckpointError("{}", error.what());
    }
  }

  void read_metadata(const Json& value, TensorFile& file) const {
    if (!value.is_object()) throw CheckpointError("{}: metadata is not an object", where_);
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) {
        throw CheckpointError("{}: metadata \"{}\" is not a string", where_, key);
      }
      file.metadata.emplace(key, text.get<std::string>());
    }
  }

  std::pair<std::uint64_t, std::uint64_t> read_tensor(const Json& value, Tensor& tensor,
                                                      const std::string& where) const {
    if (!value.is_object() || value.size() != 3) {
      throw CheckpointError("{}: expected dtype, shape and data_offsets", where);
    }
    tensor.dtype = parse_dtype(value.value("dtype", Json()), where);
    for (const Json& extent : member(value, "shape", Json::value_t::array, where)) {
      const std::uint64_t number = parse_natural(extent, where);
      if (number > INT64_MAX) throw CheckpointError("{}: extent {} is too large", where, number);
      tensor.shape.push_back(static_cast<std::int64_t>(number));
    }
    const Json& offsets = member(value, "data_offsets", Json::value_t::array, where);
    if (offsets.size() != 2) throw CheckpointError("{}: expected two data_offsets", where);
    const std::uint64_t begin = parse_natural(offsets[0], where);
    const std::uint64_t end = parse_natural(offsets[1], where);
    if (begin > end || end > data_.size()) {
      throw CheckpointError("{}: bytes {} to {} do not lie in the {} bytes of data", where, begin,
                            end, data_.size());
    }
    const auto size = checked_bytes(tensor.shape, tensor.dtype);
    if (size != end - begin) {
      throw CheckpointError("{}: {} does not fill bytes {} to {}", where, describe(tensor), begin,
                            end);
    }
    tensor.bytes = data_.subspan(begin, end - begin);
    tensor.owner = owner_;
    return {begin, end};
  }

  void check_layout(std::vector<Entry> entries) const {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t reached = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != reached) {
        throw CheckpointError("{}: tensor {} begins at byte {} of the data, expected {}", where_,
                              *entry.name, entry.begin, reached);
      }
      reached = entry.end;
    }
    if (reached != data_.size()) {
      throw CheckpointError("{}: {} bytes of data, but the tensors take {}", where_, data_.size(),
                            reached);
    }
  }

  std::span<const std::byte> bytes_;
  std::span<const std::byte> data_;
  std::shared_ptr<const void> owner_;
  const std::string& where_;
};

using Item = TensorMap::value_type;

std::vector<const Item*> layout(const TensorMap& tensors) {
  std::vector<const Item*> order;
  order.reserve(tensors.size());
  for (const Item& item : tensors) order.push_back(&item);
  const auto rank = [](const Item* item) {
    return std::find(kLayoutOrder.begin(), kLayoutOrder.end(), item->second.dtype);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const Item* a, const Item* b) { return rank(a) > rank(b); });
  return order;
}

}  // namespace

TensorFile read_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                            const std::string& where) {
  return Reader(bytes, std::move(owner), where).read();
}

TensorFile read_safetensors(const Path& path) {
  std::shared_ptr<const MappedFile> file;
  try {
    file = std::make_shared<const MappedFile>(path);
  } catch (const DataError& error) {
    throw CheckpointError("{}", error.what());
  }
  return read_safetensors(file->bytes(), file, path.string());
}

std::string safetensors_header(const TensorMap& tensors,
                               const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::uint64_t offset = 0;
  for (const Item* item : layout(tensors)) {
    const Tensor& tensor = item->second;
    REFERENT_CHECK(item->first != kMetadataKey, "a tensor named {}", kMetadataKey);
    REFERENT_CHECK(checked_bytes(tensor.shape, tensor.dtype) == tensor.bytes.size(),
                   "tensor {}: {} bytes for {}", item->first, tensor.bytes.size(),
                   describe(tensor));
    const std::uint64_t end = offset + tensor.bytes.size();
    header[item->first] = {{"dtype", dtype_name(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception& error) {
    throw CheckpointError("cannot write a name or metadata that is not UTF-8: {}", error.what());
  }
  text.resize((text.size() + kLengthSize - 1) / kLengthSize * kLengthSize, ' ');
  if (text.size() > kMaxHeader) {
    throw CheckpointError("a header of {} bytes; safetensors files hold at most {}", text.size(),
                          kMaxHeader);
  }
  std::string result;
  for (std::size_t i = 0; i < kLengthSize; ++i) {
    result.push_back(static_cast<char>(text.size() >> (8 * i)));
  }
  return result + text;
}

void write_safetensors(const Path& path, const std::string& header, const TensorMap& tensors) {
  AtomicFile file(path);
  file.write(header);
  for (const Item* item : layout(tensors)) file.write(item->second.bytes);
  file.commit();
}

void write_safetensors(const Path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata) {
  write_safetensors(path, safetensors_header(tensors, metadata), tensors);
}

bool looks_like_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > kLengthSize && header_length(bytes) <= kMaxHeader &&
         std::to_integer<char>(bytes[kLengthSize]) == '{';
}

}  // namespace referent::formats
