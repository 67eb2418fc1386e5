// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace referent::testing {

/// A file system in memory, of a size, mounted where only this process and its children see it:
/// for full disks and for folders that nobody may write to.
class Tmpfs {
 public:
  /// On the folder `where`, which exists. Look at `why_not()` before use.
  Tmpfs(std::filesystem::path where, const std::string& size) : where_(std::move(where)) {
    const std::string options = "size=" + size;
    if (!enter_namespace() || ::mount("tmpfs", where_.c_str(), "tmpfs", 0, options.c_str()) != 0) {
      why_not_ = std::string("this process may not mount a file system: ") + std::strerror(errno);
    }
  }
  Tmpfs(const Tmpfs&) = delete;
  Tmpfs& operator=(const Tmpfs&) = delete;
  ~Tmpfs() {
    if (why_not_.empty()) ::umount2(where_.c_str(), MNT_DETACH);
  }

  /// Why there is none; empty when there is.
  const std::string& why_not() const { return why_not_; }

  /// Gives it another size, in the form of the first.
  bool resize(const std::string& size) const {
    return ::mount(nullptr, where_.c_str(), nullptr, MS_REMOUNT, ("size=" + size).c_str()) == 0;
  }

  /// From now on nobody may write to it, not even root.
  bool make_read_only() const {
    return ::mount(nullptr, where_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }

 private:
  /// A mount namespace of our own; without root it takes a user namespace of our own.
  static bool enter_namespace() {
    static const bool entered = [] {
      const uid_t user = ::getuid();
      const gid_t group = ::getgid();
      if (::unshare(CLONE_NEWNS) != 0) {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
        std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
      }
      return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    }();
    return entered;
  }

  std::filesystem::path where_;
  std::string why_not_;
};

}  // namespace referent::testing
