// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "referent/core/error.h"
#include "referent/core/hash.h"
#include "referent/formats/json.h"
#include "referent/formats/safetensors.h"

namespace referent::checkpoint {
namespace {

using Metadata = std::map<std::string, std::string>;

constexpr std::string_view kFormat = "referent-checkpoint";
constexpr int kFormatVersion = 1;
constexpr const char* kFormatKey = "format";
constexpr const char* kVersionKey = "format_version";
constexpr const char* kTensorHashesKey = "tensor_hashes";
constexpr const char* kHeaderHashKey = "header_hash";
/// How the header's hash stands in the header; a quote within a text is escaped, so this cannot
/// occur in one.
constexpr std::string_view kHeaderHashField = "\"header_hash\":\"";
constexpr std::string_view kBlankHash = "0000000000000000";
constexpr std::size_t kLengthSize = 8;

struct TextField {
  const char* key;
  std::string Checkpoint::*text;
};

constexpr std::array<TextField, 6> kTextFields{{{"config", &Checkpoint::config},
                                                {"vocabulary", &Checkpoint::vocabulary},
                                                {"versions", &Checkpoint::versions},
                                                {"git", &Checkpoint::git},
                                                {"metrics", &Checkpoint::metrics},
                                                {"training", &Checkpoint::training}}};

std::string hash_text(std::span<const std::byte> bytes) {
  return fmt::format("{:016x}", xxh3_64(bytes));
}

std::string hash_text(std::string_view bytes) {
  return hash_text(std::as_bytes(std::span(bytes)));
}

/// Where the hash of the header stands in `header`; npos when there is none.
std::size_t header_hash_position(std::string_view header) {
  const std::size_t field = header.find(kHeaderHashField);
  if (field == std::string_view::npos) return field;
  const std::size_t position = field + kHeaderHashField.size();
  return position + kBlankHash.size() <= header.size() ? position : std::string_view::npos;
}

std::string tensor_hashes(const formats::TensorMap& tensors) {
  nlohmann::json hashes = nlohmann::json::object();
  for (const auto& [name, tensor] : tensors) hashes[name] = hash_text(tensor.bytes);
  return hashes.dump();
}

/// The length and the header of a safetensors file, as far as the file goes.
std::string_view header_of(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < std::min(kLengthSize, bytes.size()); ++i) {
    length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::uint64_t room = bytes.size() - std::min(kLengthSize, bytes.size());
  return text.substr(0, text.size() - room + std::min(length, room));
}

std::shared_ptr<const MappedFile> map_file(const Path& path) {
  try {
    return std::make_shared<const MappedFile>(path);
  } catch (const DataError& error) {
    throw CheckpointError("{}", error.what());
  }
}

class Reader {
 public:
  explicit Reader(const Path& path) : where_(path.string()), file_(map_file(path)) {}

  Checkpoint read(Verify verify) {
    check_header_hash();
    formats::TensorFile content = formats::read_safetensors(file_->bytes(), file_, where_);
    check_version(content.metadata);
    if (verify == Verify::kAll) check_tensor_hashes(content);
    Checkpoint checkpoint;
    checkpoint.tensors = std::move(content.tensors);
    for (const TextField& field : kTextFields) {
      const auto found = content.metadata.find(field.key);
      if (found != content.metadata.end()) checkpoint.*field.text = std::move(found->second);
    }
    return checkpoint;
  }

 private:
  /// Before anything else, so that what is parsed is known to be what was written.
  void check_header_hash() const {
    std::string header(header_of(file_->bytes()));
    const std::size_t position = header_hash_position(header);
    if (position == std::string::npos) {
      throw CheckpointError("{}: not a native checkpoint, or its header is cut (no hash in it)",
                            where_);
    }
    const std::string stated = header.substr(position, kBlankHash.size());
    header.replace(position, kBlankHash.size(), kBlankHash);
    if (hash_text(header) != stated) {
      throw CheckpointError("{}: corrupt: the hash of its header is {}, expected {}", where_,
                            hash_text(header), stated);
    }
  }

  const std::string& entry(const Metadata& metadata, const char* key) const {
    const auto found = metadata.find(key);
    if (found == metadata.end()) throw CheckpointError("{}: no \"{}\" in it", where_, key);
    return found->second;
  }

  void check_version(const Metadata& metadata) const {
    if (entry(metadata, kFormatKey) != kFormat) {
      throw CheckpointError("{}: not a native checkpoint; `referent import` reads released files",
                            where_);
    }
    const std::string& text = entry(metadata, kVersionKey);
    int version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc() || end != text.data() + text.size() || version < 1) {
      throw CheckpointError("{}: format version '{}' is not a number", where_, text);
    }
    if (version > kFormatVersion) {
      throw CheckpointError(
          "{}: written in format version {}; this program reads up to {}. Use a newer release",
          where_, version, kFormatVersion);
    }
  }

  void check_tensor_hashes(const formats::TensorFile& content) const {
    const std::string& text = entry(content.metadata, kTensorHashesKey);
    nlohmann::json hashes;
    try {
      formats::check_json(text, where_ + ": tensor hashes");
      hashes = nlohmann::json::parse(text);
    } catch (const DataError& error) {
      throw CheckpointError("{}", error.what());
    }
    if (!hashes.is_object() || hashes.size() != content.tensors.size()) {
      throw CheckpointError("{}: {} hashes for {} tensors", where_, hashes.size(),
                            content.tensors.size());
    }
    for (const auto& [name, tensor] : content.tensors) {
      const auto stated = hashes.find(name);
      if (stated == hashes.end() || *stated != hash_text(tensor.bytes)) {
        throw CheckpointError("{}: corrupt: the bytes of tensor {} do not match their hash", where_,
                              name);
      }
    }
  }

  std::string where_;
  std::shared_ptr<const MappedFile> file_;
};

}  // namespace

void write_checkpoint(const Path& path, const Checkpoint& checkpoint) {
  Metadata metadata{{kFormatKey, std::string(kFormat)},
                    {kVersionKey, std::to_string(kFormatVersion)},
                    {kTensorHashesKey, tensor_hashes(checkpoint.tensors)},
                    {kHeaderHashKey, std::string(kBlankHash)}};
  for (const TextField& field : kTextFields) {
    if (!(checkpoint.*field.text).empty()) metadata[field.key] = checkpoint.*field.text;
  }
  std::string header = formats::safetensors_header(checkpoint.tensors, metadata);
  const std::size_t position = header_hash_position(header);
  REFERENT_CHECK(position != std::string::npos, "no place for the hash of the header");
  header.replace(position, kBlankHash.size(), hash_text(header));
  formats::write_safetensors(path, header, checkpoint.tensors);
}

Checkpoint read_checkpoint(const Path& path, Verify verify) {
  return Reader(path).read(verify);
}

formats::TensorMap weights_of(const Checkpoint& checkpoint, Weights weights) {
  constexpr std::string_view kEma = "ema.";
  formats::TensorMap result;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (name.starts_with("optimizer.")) continue;
    if (!name.starts_with(kEma)) {
      result.emplace(name, tensor);  // an average that came before stays
    } else if (weights == Weights::kEma) {
      result.insert_or_assign(name.substr(kEma.size()), tensor);
    }
  }
  return result;
}

bool is_checkpoint(const Path& path) {
  const auto file = map_file(path);
  const std::string_view header = header_of(file->bytes());
  // Either sign will do: a damaged checkpoint must not pass for a foreign file without hashes.
  return formats::looks_like_safetensors(file->bytes()) &&
         (header.find(kFormat) != std::string_view::npos ||
          header.find(kHeaderHashField) != std::string_view::npos);
}

}  // namespace referent::checkpoint
