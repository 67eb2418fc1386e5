// SPDX-License-Identifier: Apache-2.0
// A library for LD_PRELOAD that lets calls which change files fail or end the process. It is told
// what to do by variables of the environment:
//   FAULT_FOLDER   only calls on what lies in this folder are counted
//   FAULT_LIST     a file that gets a line "CALL NAME" for every counted call
//   FAULT_FIRST    number of the first counted call to be hit, from 1; none without it
//   FAULT_TIMES    how many from there on; 1 without it
//   FAULT_ERRNO    the calls hit fail with this error number
//   FAULT_SIGNAL   the calls hit raise this signal before they do their work; a write is cut in
//   half
//                  first, as by a process that was killed in it
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

long number(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atol(text) : otherwise;
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::string path_of(int file) {
  char target[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t size = ::readlink(link.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

void list(const char* call, const std::string& path) {
  const char* file = std::getenv("FAULT_LIST");
  if (file == nullptr) return;
  const std::string line = std::string(call) + " " + path.substr(path.rfind('/') + 1) + "\n";
  const int descriptor = static_cast<int>(
      ::syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  ::syscall(SYS_write, descriptor, line.data(), line.size());
  ::syscall(SYS_close, descriptor);
}

/// Counts the call; true when it is to be hit.
bool is_hit(const char* call, const std::string& path) {
  static std::atomic<long> counted{0};
  static const char* folder = std::getenv("FAULT_FOLDER");
  static const long first = number("FAULT_FIRST", LONG_MAX);
  static const long times = number("FAULT_TIMES", 1);
  if (folder == nullptr || path.compare(0, std::strlen(folder), folder) != 0) return false;
  list(call, path);
  const long index = ++counted;
  return index >= first && index - first < times;
}

/// True when the call is to fail; errno says with what.
bool fails(const char* call, const std::string& path) {
  if (!is_hit(call, path)) return false;
  if (const long signal = number("FAULT_SIGNAL", 0); signal > 0) {
    ::raise(static_cast<int>(signal));
    return false;
  }
  errno = static_cast<int>(number("FAULT_ERRNO", EIO));
  return true;
}

bool creates(int flags) {
  return (flags & (O_WRONLY | O_RDWR)) != 0;
}

int open_as(const char* name, const char* path, int flags, mode_t mode) {
  if (creates(flags) && fails("open", path)) return -1;
  return next<int(const char*, int, ...)>(name)(path, flags, mode);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_as("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_as("open64", path, flags, mode);
}

ssize_t write(int file, const void* bytes, size_t size) {
  static auto* real = next<ssize_t(int, const void*, size_t)>("write");
  if (is_hit("write", path_of(file))) {
    const long signal = number("FAULT_SIGNAL", 0);
    if (signal == 0) {
      errno = static_cast<int>(number("FAULT_ERRNO", ENOSPC));
      return -1;
    }
    const ssize_t half = real(file, bytes, size / 2);
    ::raise(static_cast<int>(signal));
    if (half < 0) return half;
    const ssize_t rest =
        real(file, static_cast<const char*>(bytes) + half, size - static_cast<size_t>(half));
    return rest < 0 ? rest : half + rest;
  }
  return real(file, bytes, size);
}

int fsync(int file) {
  return fails("fsync", path_of(file)) ? -1 : next<int(int)>("fsync")(file);
}

int rename(const char* from, const char* to) noexcept {
  return fails("rename", to) ? -1 : next<int(const char*, const char*)>("rename")(from, to);
}

int symlink(const char* target, const char* path) noexcept {
  return fails("symlink", path) ? -1 : next<int(const char*, const char*)>("symlink")(target, path);
}

int unlink(const char* path) noexcept {
  return fails("unlink", path) ? -1 : next<int(const char*)>("unlink")(path);
}

int remove(const char* path) noexcept {
  return fails("remove", path) ? -1 : next<int(const char*)>("remove")(path);
}

}  // extern "C"
