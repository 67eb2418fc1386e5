// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>

/// The program's log: lines on standard error, and in the run folder's file once one is opened.
namespace referent::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

/// Lines below `level` are dropped. Default: kInfo.
void set_level(Level level);

/// Also appends every line, whatever its level, to `file`. Throws FileError.
void open_file(const std::filesystem::path& file);
void close_file();

void write(Level level, const std::string& message);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace referent::log
