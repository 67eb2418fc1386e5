// SPDX-License-Identifier: Apache-2.0
#include "referent/core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

#include "referent/core/error.h"
#include "referent/core/progress.h"

namespace referent::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

struct Sinks {
  std::shared_ptr<spdlog::sinks::stderr_color_sink_mt> screen =
      std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  std::shared_ptr<spdlog::sinks::basic_file_sink_mt> file;
  std::mutex mutex;

  Sinks() {
    screen->set_pattern("%^%l%$: %v");
    screen->set_level(spdlog::level::info);
  }
};

Sinks& sinks() {
  static Sinks instance;
  return instance;
}

}  // namespace

void set_level(Level level) {
  sinks().screen->set_level(to_spdlog(level));
}

void open_file(const std::filesystem::path& file) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
    sink->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
    const std::scoped_lock lock(sinks().mutex);
    sinks().file = std::move(sink);
  } catch (const spdlog::spdlog_ex& failure) {
    throw FileError("cannot write the log {}: {}", file.string(), failure.what());
  }
}

void close_file() {
  const std::scoped_lock lock(sinks().mutex);
  sinks().file.reset();
}

void write(Level level, const std::string& message) {
  Sinks& out = sinks();
  const spdlog::details::log_msg line("referent", to_spdlog(level), message);
  const std::scoped_lock lock(out.mutex);
  if (out.screen->should_log(line.level)) {
    ProgressBar::clear_line();
    out.screen->log(line);
  }
  if (out.file) {
    try {
      out.file->log(line);
      out.file->flush();
    } catch (const spdlog::spdlog_ex&) {
      // A full disk must not end the work that the log describes; the screen has the line.
      out.file.reset();
    }
  }
}

}  // namespace referent::log
