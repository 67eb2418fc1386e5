// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace referent::formats {

/// Reads a zip archive (zip64 too) whose bytes are not trusted. The central directory rules; a
/// local header that says otherwise, entries that overlap, a name that occurs twice and an
/// encrypted entry are refused. All members throw DataError.
class ZipArchive {
 public:
  struct Entry {
    std::string name;
    std::uint64_t size = 0;             ///< bytes of the content
    std::uint64_t compressed_size = 0;  ///< bytes in the archive
    std::uint64_t header_offset = 0;    ///< of the local header
    std::uint64_t data_offset = 0;      ///< of the content in the archive
    std::uint32_t crc = 0;
    std::uint16_t method = 0;
    std::uint16_t flags = 0;
  };

  /// What an entry holds: a view of the archive when it is stored, else an own buffer.
  struct Content {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;
  };

  /// `owner` keeps `bytes` alive; `where` names the archive in messages.
  ZipArchive(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
             std::string where);

  const std::vector<Entry>& entries() const { return entries_; }
  /// nullptr when there is none.
  const Entry* find(std::string_view name) const;

  /// The content, of at most `limit` bytes, its CRC checked.
  Content read(const Entry& entry, std::uint64_t limit) const;

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::string where_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// Whether `bytes` begin with a local header.
bool looks_like_zip(std::span<const std::byte> bytes);

}  // namespace referent::formats
