// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/torch_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string>
#include <utility>

#include "checked.h"
#include "pickle_graph.h"
#include "referent/core/error.h"
#include "referent/formats/safetensors.h"
#include "referent/formats/zip.h"
#include "torch_storage.h"

namespace referent::formats {
namespace {

using Bytes = std::span<const std::byte>;
using Owner = std::shared_ptr<const void>;

constexpr std::string_view kMagicNumber = "119547037146038801333356";
constexpr std::int64_t kStreamProtocol = 1001;
constexpr std::uint64_t kMaxSmallEntry = 1024;
constexpr std::uint64_t kFreeCopies = 64ULL << 20U;
/// PROTO 2, LONG1 of 10 bytes: how the pickled magic number begins.
constexpr std::array kLegacyStart{std::byte{0x80}, std::byte{2}, std::byte{0x8a}, std::byte{10}};

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Strided tensors may repeat elements; honest files stay within their own size and some.
std::uint64_t copy_budget(Bytes bytes) {
  return kFreeCopies + 4 * bytes.size();
}

class ZipStorages : public StorageSource {
 public:
  ZipStorages(const ZipArchive& archive, std::string prefix, std::uint64_t limit)
      : archive_(archive), prefix_(std::move(prefix)), limit_(limit) {}

  StorageBytes storage(const std::string& key) override {
    const ZipArchive::Entry* entry = archive_.find(prefix_ + "data/" + key);
    if (entry == nullptr) throw DataError("the archive has no storage {}", key);
    const ZipArchive::Content content = archive_.read(*entry, limit_);
    limit_ -= entry->compressed_size < entry->size ? entry->size : 0;
    return {content.bytes, content.owner};
  }

 private:
  const ZipArchive& archive_;
  std::string prefix_;
  std::uint64_t limit_;  ///< for what is still to be inflated
};

/// The folder in the archive that holds data.pkl.
std::string archive_prefix(const ZipArchive& archive, const std::string& where) {
  constexpr std::string_view kName = "data.pkl";
  std::vector<std::string> prefixes;
  for (const auto& entry : archive.entries()) {
    const std::string_view name = entry.name;
    if (!name.ends_with(kName)) continue;
    const std::string_view prefix = name.substr(0, name.size() - kName.size());
    if (std::count(prefix.begin(), prefix.end(), '/') == (prefix.empty() ? 0 : 1) &&
        (prefix.empty() || prefix.ends_with('/'))) {
      prefixes.emplace_back(prefix);
    }
  }
  if (prefixes.size() != 1) {
    throw DataError("{}: a zip archive with {} entries data.pkl; expected the one of torch.save",
                    where, prefixes.size());
  }
  if (archive.find(prefixes[0] + "constants.pkl") != nullptr) {
    throw DataError("{}: a TorchScript archive; expected a state dict saved by torch.save", where);
  }
  return prefixes[0];
}

pickle::Value read_zip(Bytes bytes, const Owner& owner, const std::string& where) {
  const ZipArchive archive(bytes, owner, where);
  const std::string prefix = archive_prefix(archive, where);
  const std::uint64_t limit = bytes.size() + copy_budget(bytes);
  bool big_endian = false;
  if (const auto* entry = archive.find(prefix + "byteorder")) {
    big_endian = text_of(archive.read(*entry, kMaxSmallEntry).bytes) == "big";
  }
  const ZipArchive::Content content = archive.read(*archive.find(prefix + "data.pkl"), limit);
  const auto parsed = pickle::parse(content.bytes, where);
  ZipStorages storages(archive, prefix, limit);
  resolve_tensors(*parsed.graph, storages, big_endian, copy_budget(bytes));
  pickle::resolve_numpy(*parsed.graph);
  return {parsed.graph, parsed.root};
}

/// The stream form: pickles of a magic number, a protocol number, the system's traits, the object
/// and the storage keys; then each storage as its number of elements (8 bytes) and its bytes.
class LegacyStream : public StorageSource {
 public:
  LegacyStream(Bytes bytes, Owner owner, const std::string& where)
      : rest_(bytes), owner_(std::move(owner)), where_(where), budget_(copy_budget(bytes)) {}

  pickle::Value read() {
    const pickle::Value magic = next_value();
    if (!magic.is(pickle::Kind::kBigInt) || magic.text() != kMagicNumber) {
      throw DataError("{}: not PyTorch's magic number", where_);
    }
    const std::int64_t protocol = next_value().as_int();
    if (protocol != kStreamProtocol) {
      throw DataError("{}: stream protocol {}; {} is read", where_, protocol, kStreamProtocol);
    }
    const auto little_endian = next_value().find("little_endian");
    const bool big_endian = little_endian && !little_endian->as_bool();
    const pickle::Parsed object = next();
    read_storages(*object.graph, big_endian);
    resolve_tensors(*object.graph, *this, big_endian, budget_);
    pickle::resolve_numpy(*object.graph);
    return {object.graph, object.root};
  }

  StorageBytes storage(const std::string& key) override {
    const auto found = storages_.find(key);
    if (found == storages_.end()) throw DataError("the file has no storage {}", key);
    return {found->second, owner_};
  }

 private:
  pickle::Parsed next() {
    pickle::Parsed parsed = pickle::parse(rest_, where_);
    rest_ = rest_.subspan(parsed.consumed);
    return parsed;
  }

  pickle::Value next_value() {
    const pickle::Parsed parsed = next();
    return {parsed.graph, parsed.root};
  }

  void read_storages(const pickle::Graph& graph, bool big_endian) {
    std::map<std::string, std::size_t> elements;
    for (pickle::NodeId id = 0; id < graph.size(); ++id) {
      if (!graph.is(id, pickle::Kind::kPersistent)) continue;
      const StorageReference reference = parse_storage_reference(graph, id);
      elements.emplace(reference.key, element_size(reference.dtype));
    }
    const pickle::Value keys = next_value();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::string& key = keys.at(i).text();
      const auto element = elements.find(key);
      if (element == elements.end()) throw DataError("no tensor refers to the storage {}", key);
      if (!storages_.emplace(key, take_storage(element->second, big_endian)).second) {
        throw DataError("the storage {} is listed twice", key);
      }
    }
    if (!rest_.empty()) throw DataError("{} bytes follow the last storage", rest_.size());
  }

  Bytes take_storage(std::size_t element, bool big_endian) {
    constexpr std::size_t kCountSize = 8;
    if (rest_.size() < kCountSize) throw DataError("the file is cut");
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < kCountSize; ++i) {
      const std::byte byte = rest_[big_endian ? i : kCountSize - 1 - i];
      count = count << 8U | std::to_integer<std::uint64_t>(byte);
    }
    rest_ = rest_.subspan(kCountSize);
    const auto size = checked_multiply(count, element);
    if (!size || *size > rest_.size()) throw DataError("the file is cut");
    const Bytes storage = rest_.first(*size);
    rest_ = rest_.subspan(*size);
    return storage;
  }

  Bytes rest_;
  Owner owner_;
  const std::string& where_;
  std::uint64_t budget_;
  std::map<std::string, Bytes> storages_;
};

/// What a file that is no container looks like, for the message.
std::string guess(Bytes bytes) {
  constexpr std::size_t kTarMagicAt = 257;
  const std::string_view text = text_of(bytes);
  if (text.starts_with("version https://git-lfs"))
    return "a Git LFS pointer; fetch the file itself";
  if (text.starts_with('<')) return "a web page; the download failed";
  if (text.starts_with("\x1f\x8b")) return "a gzip file; decompress it first";
  if (text.size() > kTarMagicAt && text.substr(kTarMagicAt).starts_with("ustar")) {
    return "a tar archive (or a PyTorch file older than 0.1.10); unpack or convert it first";
  }
  if (text.empty()) return "an empty file";
  return "something else";
}

}  // namespace

std::string_view container_name(Container container) {
  switch (container) {
    case Container::kSafetensors:
      return "safetensors";
    case Container::kTorchZip:
      return "torch zip";
    case Container::kTorchLegacy:
      return "torch legacy";
    case Container::kPickle:
      return "pickle";
  }
  throw std::logic_error("a container without its name");
}

Container detect_container(Bytes bytes, const std::string& where) {
  // The opcodes with which a pickle of a list, tuple, dictionary or object can begin.
  constexpr std::string_view kPickleStarts = "\x80(]})cNIJKLMFGSTUVXi";
  if (looks_like_zip(bytes)) return Container::kTorchZip;
  if (bytes.size() >= kLegacyStart.size() &&
      std::equal(kLegacyStart.begin(), kLegacyStart.end(), bytes.begin())) {
    return Container::kTorchLegacy;
  }
  if (looks_like_safetensors(bytes)) return Container::kSafetensors;
  const std::string_view text = text_of(bytes);
  if (!text.empty() && kPickleStarts.find(text.front()) != std::string_view::npos) {
    return Container::kPickle;
  }
  throw DataError("{}: expected a safetensors, PyTorch or pickle file; this is {}", where,
                  guess(bytes));
}

pickle::Value read_torch_file(Bytes bytes, const Owner& owner, const std::string& where) {
  try {
    switch (detect_container(bytes, where)) {
      case Container::kTorchZip:
        return read_zip(bytes, owner, where);
      case Container::kTorchLegacy:
        return LegacyStream(bytes, owner, where).read();
      case Container::kPickle:
        return pickle::read(bytes, where);
      case Container::kSafetensors:
        break;
    }
  } catch (const DataError& error) {
    const std::string_view message = error.what();
    if (message.starts_with(where)) throw;
    throw DataError("{}: {}", where, message);
  }
  throw DataError("{}: a safetensors file; expected one of torch.save", where);
}

pickle::Value read_torch_file(const Path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  return read_torch_file(file->bytes(), file, path.string());
}

}  // namespace referent::formats
