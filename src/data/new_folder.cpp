// SPDX-License-Identifier: Apache-2.0
#include "new_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "referent/core/error.h"

namespace referent::data {

NewFolder::NewFolder(const Path& path)
    : path_(path.has_filename() ? path : path.parent_path()), temporary_(path_) {
  std::error_code code;
  const bool is_new = !std::filesystem::exists(path_, code);
  if (!is_new &&
      !(std::filesystem::is_directory(path_, code) && std::filesystem::is_empty(path_, code))) {
    throw FileError("{} exists already: name a new folder, or remove it first", path_.string());
  }
  temporary_ += fmt::format(".{}.tmp", ::getpid());
  make_folders(temporary_);
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(temporary_, ignored);
}

void NewFolder::commit() {
  sync();
  std::error_code code;
  std::filesystem::rename(temporary_, path_, code);
  if (code) throw FileError("cannot create {}: {}", path_.string(), code.message());
}

/// All files at once: a sync of each would take ten times as long as drawing a scene.
void NewFolder::sync() const {
  const int folder = ::open(temporary_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = folder >= 0 && ::syncfs(folder) == 0;
  const int cause = errno;
  if (folder >= 0) ::close(folder);
  if (!done) throw FileError("cannot write {}: {}", path_.string(), std::strerror(cause));
}

}  // namespace referent::data
