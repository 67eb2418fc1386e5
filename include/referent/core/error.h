// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace referent {

/// What the process returns; `tools/main.cpp` maps the errors below to it.
enum class ExitStatus : int {
  kOk = 0,
  kInternal = 1,    ///< a fault of ours
  kUsage = 2,       ///< wrong command line or configuration
  kData = 3,        ///< input data unreadable or corrupt
  kCheckpoint = 4,  ///< checkpoint unreadable, corrupt or not fitting
  kDevice = 5,      ///< device missing or out of memory
  kFileSystem = 6,  ///< disk full, permissions
  kPeer = 7,        ///< another process of the group failed
  kCheck = 8,       ///< a check ran and found differences or faults
};

/// Every error that is not a fault of ours. The message says what was expected, what was seen,
/// where, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ExitStatus status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  ExitStatus status() const { return status_; }

 private:
  ExitStatus status_;
};

namespace detail {
template <ExitStatus kStatus>
class ErrorOf : public Error {
 public:
  template <typename... Args>
  explicit ErrorOf(fmt::format_string<Args...> format, Args&&... args)
      : Error(kStatus, fmt::format(format, std::forward<Args>(args)...)) {}
};
}  // namespace detail

/// Wrong command line or configuration.
class ConfigError : public detail::ErrorOf<ExitStatus::kUsage> {
  using ErrorOf::ErrorOf;
};
/// Input data (image, annotation, expression) unreadable or corrupt.
class DataError : public detail::ErrorOf<ExitStatus::kData> {
  using ErrorOf::ErrorOf;
};
/// Checkpoint unreadable, corrupt or not fitting the model.
class CheckpointError : public detail::ErrorOf<ExitStatus::kCheckpoint> {
  using ErrorOf::ErrorOf;
};
/// Device missing or out of memory.
class DeviceError : public detail::ErrorOf<ExitStatus::kDevice> {
  using ErrorOf::ErrorOf;
};
/// Disk full, permission denied, not a folder.
class FileError : public detail::ErrorOf<ExitStatus::kFileSystem> {
  using ErrorOf::ErrorOf;
};

namespace detail {
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const std::string& message);
}

}  // namespace referent

/// For our own invariants: throws std::logic_error (exit status 1) with file and line.
#define REFERENT_CHECK(condition, ...)                                 \
  do {                                                                 \
    if (!(condition)) {                                                \
      ::referent::detail::check_failed(__FILE__, __LINE__, #condition, \
                                       ::fmt::format("" __VA_ARGS__)); \
    }                                                                  \
  } while (false)
