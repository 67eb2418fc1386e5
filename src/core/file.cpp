// SPDX-License-Identifier: Apache-2.0
#include "referent/core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "referent/core/error.h"

namespace referent {
namespace {

std::string reason(int error_number) {
  return std::strerror(error_number);
}

class Descriptor {
 public:
  Descriptor(const Path& path, int flags) : value_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

/// Size of the open regular file; throws DataError for folders and devices.
std::uint64_t regular_size(const Descriptor& file, const Path& path) {
  if (file.get() < 0) throw DataError("cannot open {}: {}", path.string(), reason(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    throw DataError("cannot read {}: {}", path.string(), reason(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    throw DataError("{} is not a regular file", path.string());
  }
  return static_cast<std::uint64_t>(status.st_size);
}

void sync_folder(const Path& folder) {
  const Descriptor descriptor(folder, O_RDONLY | O_DIRECTORY);
  if (descriptor.get() < 0 || ::fsync(descriptor.get()) != 0) {
    throw FileError("cannot sync the folder {}: {}", folder.string(), reason(errno));
  }
}

template <typename Container>
Container read_whole(const Path& path, std::uint64_t limit) {
  const Descriptor file(path, O_RDONLY);
  const std::uint64_t size = regular_size(file, path);
  if (size > limit) {
    throw DataError("{} has {} bytes; at most {} are read from a file of this kind", path.string(),
                    size, limit);
  }
  Container content;
  content.resize(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.get(), content.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw DataError("cannot read {}: {}", path.string(), reason(errno));
    if (got == 0) throw DataError("{} became shorter while it was read", path.string());
    done += static_cast<std::size_t>(got);
  }
  return content;
}

}  // namespace

std::vector<std::byte> read_file(const Path& path, std::uint64_t limit) {
  return read_whole<std::vector<std::byte>>(path, limit);
}

std::string read_text_file(const Path& path, std::uint64_t limit) {
  return read_whole<std::string>(path, limit);
}

void make_folders(const Path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) {
    throw FileError("cannot create the folder {}: {}", folder.string(), code.message());
  }
}

MappedFile::MappedFile(const Path& path) {
  const Descriptor file(path, O_RDONLY);
  size_ = regular_size(file, path);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) {
    throw DataError("cannot map {} into memory: {}", path.string(), reason(errno));
  }
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

AtomicFile::AtomicFile(Path path) : path_(std::move(path)) {
  // Unique within the machine: two writers of one path must not share a temporary file.
  static std::atomic<unsigned> counter{0};
  temporary_ = path_;
  temporary_ += fmt::format(".{}-{}.tmp", ::getpid(), counter.fetch_add(1));
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    throw FileError("cannot write {}: {}", path_.string(), reason(errno));
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  REFERENT_CHECK(descriptor_ >= 0, "write after commit");
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw FileError("cannot write {}: {}", path_.string(), reason(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void AtomicFile::commit() {
  REFERENT_CHECK(descriptor_ >= 0, "commit twice");
  if (::fsync(descriptor_) != 0) {
    throw FileError("cannot write {}: {}", path_.string(), reason(errno));
  }
  if (::close(std::exchange(descriptor_, -1)) != 0 ||
      ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error_number = errno;
    ::unlink(temporary_.c_str());
    throw FileError("cannot write {}: {}", path_.string(), reason(error_number));
  }
  sync_folder(path_.has_parent_path() ? path_.parent_path() : Path("."));
}

void write_file(const Path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const Path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text)));
}

}  // namespace referent
