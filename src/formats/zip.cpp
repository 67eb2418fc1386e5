// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/zip.h"

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "checked.h"
#include "referent/core/error.h"
#include "referent/core/hash.h"

namespace referent::formats {
namespace {

using Entry = ZipArchive::Entry;
using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::uint64_t kLocalSize = 30;
constexpr std::uint64_t kCentralSize = 46;
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kEnd64Size = 56;
constexpr std::uint64_t kLocator64Size = 20;
constexpr std::uint64_t kMaxComment = 0xFFFF;
constexpr std::uint64_t kIn64 = 0xFFFFFFFF;  ///< "see the zip64 field"
constexpr std::uint64_t kMaxRatio = 1032;    ///< what deflate can reach
constexpr std::uint16_t kZip64Field = 1;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kEncrypted = 1U << 0U;
constexpr std::uint16_t kSizesFollow = 1U << 3U;

/// Little-endian number at `offset`; the caller has checked the range.
template <typename T>
T number(Bytes bytes, std::uint64_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(std::to_integer<T>(bytes[offset + i]) << 8 * i));
  }
  return value;
}

std::string_view text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Directory {
  std::uint64_t count;
  std::uint64_t size;
  std::uint64_t offset;
};

class DirectoryReader {
 public:
  DirectoryReader(Bytes bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  std::vector<Entry> read() const {
    const Directory directory = find_directory();
    if (!in_range(directory.offset, directory.size, bytes_.size()) ||
        directory.count > directory.size / kCentralSize) {
      fail("the central directory does not lie in the file");
    }
    Bytes rest = bytes_.subspan(directory.offset, directory.size);
    std::vector<Entry> entries;
    for (std::uint64_t i = 0; i < directory.count; ++i) {
      entries.push_back(read_central(rest));
      locate(entries.back());
    }
    check_overlaps(entries);
    return entries;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw DataError("{}: broken zip archive: {}", where_,
                    fmt::format(format, std::forward<Args>(args)...));
  }

  Directory find_directory() const {
    const std::uint64_t size = bytes_.size();
    if (size < kEndSize) fail("{} bytes are too few", size);
    const std::uint64_t last = size - kEndSize;
    const std::uint64_t first = last - std::min(last, kMaxComment);
    for (std::uint64_t at = last + 1; at-- > first;) {
      if (number<std::uint32_t>(bytes_, at) == kEndSignature &&
          number<std::uint16_t>(bytes_, at + 20) == last - at) {
        return read_end(at);
      }
    }
    fail("no end record; the file is cut");
  }

  Directory read_end(std::uint64_t at) const {
    if (number<std::uint16_t>(bytes_, at + 4) != number<std::uint16_t>(bytes_, at + 6)) {
      fail("it spans several files");
    }
    if (at >= kLocator64Size &&
        number<std::uint32_t>(bytes_, at - kLocator64Size) == kLocator64Signature) {
      const auto end64 = number<std::uint64_t>(bytes_, at - kLocator64Size + 8);
      if (!in_range(end64, kEnd64Size, bytes_.size()) ||
          number<std::uint32_t>(bytes_, end64) != kEnd64Signature) {
        fail("no zip64 end record where the locator says");
      }
      return {number<std::uint64_t>(bytes_, end64 + 32), number<std::uint64_t>(bytes_, end64 + 40),
              number<std::uint64_t>(bytes_, end64 + 48)};
    }
    return {number<std::uint16_t>(bytes_, at + 10), number<std::uint32_t>(bytes_, at + 12),
            number<std::uint32_t>(bytes_, at + 16)};
  }

  /// Reads the record at the beginning of `rest` and moves `rest` behind it.
  Entry read_central(Bytes& rest) const {
    if (rest.size() < kCentralSize || number<std::uint32_t>(rest, 0) != kCentralSignature) {
      fail("a record of the central directory is missing");
    }
    Entry entry;
    entry.flags = number<std::uint16_t>(rest, 8);
    entry.method = number<std::uint16_t>(rest, 10);
    entry.crc = number<std::uint32_t>(rest, 16);
    entry.compressed_size = number<std::uint32_t>(rest, 20);
    entry.size = number<std::uint32_t>(rest, 24);
    entry.header_offset = number<std::uint32_t>(rest, 42);
    const std::uint64_t name_size = number<std::uint16_t>(rest, 28);
    const std::uint64_t extra_size = number<std::uint16_t>(rest, 30);
    const std::uint64_t record =
        kCentralSize + name_size + extra_size + number<std::uint16_t>(rest, 32);
    if (record > rest.size()) fail("a record of the central directory is cut");
    entry.name = text(rest.subspan(kCentralSize, name_size));
    read_zip64(entry, rest.subspan(kCentralSize + name_size, extra_size));
    rest = rest.subspan(record);
    return entry;
  }

  /// Sizes that do not fit 32 bits are in an extra field, in this order, each only if needed.
  void read_zip64(Entry& entry, Bytes extra) const {
    while (extra.size() >= 4) {
      const auto id = number<std::uint16_t>(extra, 0);
      const std::uint64_t length = number<std::uint16_t>(extra, 2);
      if (length > extra.size() - 4) fail("entry {}: an extra field is cut", entry.name);
      if (id == kZip64Field) {
        Bytes field = extra.subspan(4, length);
        for (std::uint64_t* value : {&entry.size, &entry.compressed_size, &entry.header_offset}) {
          if (*value != kIn64) continue;
          if (field.size() < 8) fail("entry {}: the zip64 field is cut", entry.name);
          *value = number<std::uint64_t>(field, 0);
          field = field.subspan(8);
        }
        return;
      }
      extra = extra.subspan(4 + length);
    }
  }

  void locate(Entry& entry) const {
    const std::uint64_t at = entry.header_offset;
    if (!in_range(at, kLocalSize, bytes_.size()) ||
        number<std::uint32_t>(bytes_, at) != kLocalSignature) {
      fail("entry {}: no local header where the directory says", entry.name);
    }
    const std::uint64_t name_size = number<std::uint16_t>(bytes_, at + 26);
    const std::uint64_t extra_size = number<std::uint16_t>(bytes_, at + 28);
    const std::uint64_t header = kLocalSize + name_size + extra_size;
    if (!in_range(at, header, bytes_.size()) ||
        !in_range(at + header, entry.compressed_size, bytes_.size())) {
      fail("entry {}: it does not lie in the file", entry.name);
    }
    entry.data_offset = at + header;
    if (text(bytes_.subspan(at + kLocalSize, name_size)) != entry.name ||
        number<std::uint16_t>(bytes_, at + 8) != entry.method) {
      fail("entry {}: the local header and the directory disagree", entry.name);
    }
    const bool sizes_follow = (number<std::uint16_t>(bytes_, at + 6) & kSizesFollow) != 0;
    if (sizes_follow) return;
    Entry local;
    local.name = entry.name;
    local.compressed_size = number<std::uint32_t>(bytes_, at + 18);
    local.size = number<std::uint32_t>(bytes_, at + 22);
    read_zip64(local, bytes_.subspan(at + kLocalSize + name_size, extra_size));
    if (local.size != entry.size || local.compressed_size != entry.compressed_size) {
      fail("entry {}: the local header and the directory disagree on its size", entry.name);
    }
  }

  void check_overlaps(const std::vector<Entry>& entries) const {
    std::vector<const Entry*> order;
    order.reserve(entries.size());
    for (const Entry& entry : entries) order.push_back(&entry);
    std::sort(order.begin(), order.end(),
              [](const Entry* a, const Entry* b) { return a->header_offset < b->header_offset; });
    std::uint64_t reached = 0;
    for (const Entry* entry : order) {
      if (entry->header_offset < reached) fail("entry {} overlaps another", entry->name);
      reached = entry->data_offset + entry->compressed_size;
    }
  }

  Bytes bytes_;
  const std::string& where_;
};

/// `size` bytes out of the raw deflate stream `source`; no value unless they are exactly its
/// content.
std::optional<std::vector<std::byte>> inflate_all(Bytes source, std::uint64_t size) {
  if (size / kMaxRatio > source.size()) return std::nullopt;
  std::vector<std::byte> result(size);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  constexpr std::uint64_t kChunk = 1U << 30U;
  std::uint64_t taken = 0;
  std::uint64_t given = 0;
  int status = Z_OK;
  std::byte spill{};  // zlib must be able to see that nothing follows the last byte
  while (status == Z_OK) {
    const std::uint64_t in = std::min(kChunk, source.size() - taken);
    const std::uint64_t out = std::min(kChunk, size - given);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(source.data() + taken));
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = reinterpret_cast<Bytef*>(out > 0 ? result.data() + given : &spill);
    stream.avail_out = out > 0 ? static_cast<uInt>(out) : 1;
    status = inflate(&stream, Z_NO_FLUSH);
    if (out == 0 && stream.avail_out == 0) return std::nullopt;
    taken += in - stream.avail_in;
    given += out > 0 ? out - stream.avail_out : 0;
  }
  if (status != Z_STREAM_END || given != size || taken != source.size()) return std::nullopt;
  return result;
}

}  // namespace

ZipArchive::ZipArchive(Bytes bytes, std::shared_ptr<const void> owner, std::string where)
    : bytes_(bytes), owner_(std::move(owner)), where_(std::move(where)) {
  entries_ = DirectoryReader(bytes_, where_).read();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!index_.emplace(entries_[i].name, i).second) {
      throw DataError("{}: broken zip archive: entry {} occurs twice", where_, entries_[i].name);
    }
  }
}

const Entry* ZipArchive::find(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  return found == index_.end() ? nullptr : &entries_[found->second];
}

ZipArchive::Content ZipArchive::read(const Entry& entry, std::uint64_t limit) const {
  if (entry.size > limit) {
    throw DataError("{}: entry {} has {} bytes; at most {} are read", where_, entry.name,
                    entry.size, limit);
  }
  if ((entry.flags & kEncrypted) != 0) {
    throw DataError("{}: entry {} is encrypted", where_, entry.name);
  }
  const Bytes source = bytes_.subspan(entry.data_offset, entry.compressed_size);
  Content content;
  if (entry.method == kStored) {
    if (entry.size != entry.compressed_size) {
      throw DataError("{}: entry {} is stored, but its two sizes differ", where_, entry.name);
    }
    content = {source, owner_};
  } else if (entry.method == kDeflated) {
    auto bytes = inflate_all(source, entry.size);
    if (!bytes) throw DataError("{}: entry {}: broken deflate stream", where_, entry.name);
    const auto buffer = std::make_shared<const std::vector<std::byte>>(*std::move(bytes));
    content = {*buffer, buffer};
  } else {
    throw DataError("{}: entry {}: compression method {} is neither stored nor deflated", where_,
                    entry.name, entry.method);
  }
  if (crc32(content.bytes) != entry.crc) {
    throw DataError("{}: entry {} is corrupt: its CRC does not match", where_, entry.name);
  }
  return content;
}

bool looks_like_zip(Bytes bytes) {
  return bytes.size() >= 4 && number<std::uint32_t>(bytes, 0) == kLocalSignature;
}

}  // namespace referent::formats
