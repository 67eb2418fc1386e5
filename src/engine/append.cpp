// SPDX-License-Identifier: Apache-2.0
#include "append.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "referent/core/error.h"

namespace referent::engine {

void append(const Path& path, std::string_view bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) throw FileError("cannot open {}: {}", path.string(), std::strerror(errno));
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      ::close(file);
      throw FileError("cannot write to {}: {}", path.string(), std::strerror(error));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  ::close(file);
}

}  // namespace referent::engine
