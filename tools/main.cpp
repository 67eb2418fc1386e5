// SPDX-License-Identifier: Apache-2.0
// The program. It links the base library only, so that help and configuration checks answer at
// once; commands that need LibTorch are run by libreferent.so, those that need only pictures and
// annotations by libreferent_data.so.
#include <dlfcn.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "command_line.h"
#include "doctor.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/core/progress.h"

namespace {

using namespace referent;

constexpr const char* kLibrary = "libreferent.so.0";

int run_in_library(const char* name, int argc, char** argv) {
  // Found through the program's RUNPATH, beside it in a build and an installation alike.
  void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw FileError("cannot load {}: {}", name, ::dlerror());
  using Main = int (*)(int, char**);
  const auto entry = reinterpret_cast<Main>(::dlsym(library, "referent_main"));
  if (entry == nullptr) throw FileError("{} is of another version: {}", name, ::dlerror());
  return entry(argc, argv);
}

/// Whether the command decodes pictures but computes nothing: LibTorch need not be loaded for it.
bool needs_data_only(const app::CommandLine& line) {
  return std::holds_alternative<app::DataCheckOptions>(line.options) ||
         std::holds_alternative<app::DataConvertOptions>(line.options) ||
         std::holds_alternative<app::DataStatsOptions>(line.options);
}

/// Tells what is wrong even where the library, which examines most, is.
int run_doctor(int argc, char** argv, const app::CommonOptions& common) {
  try {
    return run_in_library(kLibrary, argc, argv);
  } catch (const FileError& error) {
    return tools::report_without_library(error.what(), common);
  }
}

int run(int argc, char** argv) {
  int status = 0;
  const auto line = tools::parse_command_line(argc, argv, status);
  if (!line) return status;
  if (line->common.quiet) log::set_level(log::Level::kWarning);
  if (line->common.verbose) log::set_level(log::Level::kDebug);
  ProgressBar::set_quiet(line->common.quiet);

  if (const auto* options = std::get_if<app::ConfigOptions>(&line->options)) {
    return tools::run_config(*options, line->common);
  }
  if (const auto* options = std::get_if<app::InspectOptions>(&line->options)) {
    return tools::run_inspect(*options, line->common);
  }
  if (const auto* options = std::get_if<app::DiffOptions>(&line->options)) {
    return tools::run_diff(*options, line->common);
  }
  if (const auto* options = std::get_if<app::VerifyOptions>(&line->options)) {
    return tools::run_verify(*options, line->common);
  }
  if (const auto* options = std::get_if<app::LaunchOptions>(&line->options)) {
    return tools::run_launch(*options, line->common);
  }
  if (const auto* options = std::get_if<app::CompletionOptions>(&line->options)) {
    return tools::run_completion(*options);
  }
  if (std::holds_alternative<app::ReferenceOptions>(line->options)) return tools::run_reference();
  if (std::holds_alternative<app::DoctorOptions>(line->options)) {
    return run_doctor(argc, argv, line->common);
  }
  if (std::holds_alternative<app::VersionOptions>(line->options) && !line->common.json) {
    return tools::run_version(line->common);
  }
  return run_in_library(needs_data_only(*line) ? REFERENT_DATA_LIBRARY : kLibrary, argc, argv);
}

/// What was printed may still wait in a buffer; a full disk behind it must not pass for success.
int flushed(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  throw FileError("cannot write to standard output: {}", std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return flushed(run(argc, argv));
  } catch (const referent::Error& error) {
    referent::log::error("{}", error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    if (std::ferror(stdout) != 0) {
      referent::log::error("cannot write to standard output: {}", error.what());
      return static_cast<int>(referent::ExitStatus::kFileSystem);
    }
    referent::log::error("internal error: {}", error.what());
    return static_cast<int>(referent::ExitStatus::kInternal);
  }
}
