// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace referent {

using Path = std::filesystem::path;

/// The whole file. Throws DataError when it is missing, not a regular file, unreadable, or larger
/// than `limit` bytes.
std::vector<std::byte> read_file(const Path& path, std::uint64_t limit = UINT64_MAX);
std::string read_text_file(const Path& path, std::uint64_t limit = UINT64_MAX);

/// Creates `folder` and its parents. Throws FileError.
void make_folders(const Path& folder);

/// A read-only memory map of a whole file; empty files map to an empty span.
class MappedFile {
 public:
  /// Throws DataError when the file is missing or cannot be mapped.
  explicit MappedFile(const Path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A file that appears whole or not at all: bytes go to a temporary file beside `path`, which
/// commit() syncs, renames over `path`, and whose folder it syncs. Without commit() nothing is
/// left. Throws FileError (disk full, permission, missing folder).
class AtomicFile {
 public:
  explicit AtomicFile(Path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  Path path_;
  Path temporary_;
  int descriptor_ = -1;
};

/// Writes `bytes` as AtomicFile does.
void write_file(const Path& path, std::span<const std::byte> bytes);
void write_file(const Path& path, std::string_view text);

}  // namespace referent
