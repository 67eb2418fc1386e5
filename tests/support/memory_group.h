// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

namespace referent::testing {

/// A control group whose processes the kernel kills when they want more memory than it has.
class MemoryGroup {
 public:
  /// Look at `why_not()` before use.
  explicit MemoryGroup(std::size_t bytes) {
    // Of version 1 and 2 of control groups.
    const std::array<std::array<std::string, 2>, 2> kinds{
        {{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"}}};
    for (const auto& [root, limit] : kinds) {
      folder_ = root + "/referent-test-" + std::to_string(::getpid());
      std::error_code error;
      if (!std::filesystem::create_directory(folder_, error)) continue;
      write("memory.swap.max", "0");  // of version 2
      if (write(limit, std::to_string(bytes))) return;
      ::rmdir(folder_.c_str());
    }
    folder_.clear();
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;
  /// Its processes must be gone.
  ~MemoryGroup() {
    if (!folder_.empty()) ::rmdir(folder_.c_str());
  }

  /// Why there is none; empty when there is.
  std::string why_not() const {
    return folder_.empty() ? "this process may not limit the memory of others (cgroups)" : "";
  }

  /// What the process takes from now on counts.
  bool take(pid_t process) const { return write("cgroup.procs", std::to_string(process)); }

 private:
  bool write(const std::string& name, const std::string& value) const {
    const std::filesystem::path file = folder_ / name;
    return std::filesystem::exists(file) &&
           static_cast<bool>(std::ofstream(file) << value << std::flush);
  }

  std::filesystem::path folder_;
};

}  // namespace referent::testing
