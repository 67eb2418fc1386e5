// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/run_folder.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "referent/core/error.h"
#include "referent/engine/versions.h"

namespace referent::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRunFile = "run.json";
constexpr const char* kRequeueFile = "requeue.json";
constexpr const char* kCheckpoints = "checkpoints";
/// All that a run writes, and so all that --overwrite may remove.
constexpr const char* kContents[] = {
    "config.json",     kRunFile,     "log.txt",     "metrics.jsonl", "metrics.csv", "timing.jsonl",
    "bad_steps.jsonl", kRequeueFile, "tensorboard", "last",          "best",        kCheckpoints};

std::string now() {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

/// The step of "step-00000120.safetensors".
std::optional<std::int64_t> step_of(const std::string& name) {
  constexpr std::string_view kHead = "step-";
  constexpr std::string_view kTail = ".safetensors";
  if (!name.starts_with(kHead) || !name.ends_with(kTail)) return std::nullopt;
  std::int64_t step = 0;
  const char* end = name.data() + name.size() - kTail.size();
  const auto [last, error] = std::from_chars(name.data() + kHead.size(), end, step);
  if (error != std::errc() || last != end) return std::nullopt;
  return step;
}

nlohmann::ordered_json read_run_file(const Path& path) {
  nlohmann::ordered_json fresh = {{"schema_version", 1},
                                  {"starts", nlohmann::ordered_json::array()}};
  if (!fs::exists(path)) return fresh;
  auto run = nlohmann::ordered_json::parse(read_text_file(path), nullptr, false);
  return run.is_object() && run.contains("starts") && run["starts"].is_array() ? run : fresh;
}

template <typename Action>
void on_files(const Path& path, const Action& action) {
  try {
    action();
  } catch (const fs::filesystem_error& error) {
    throw FileError("{}: {}", path.string(), error.code().message());
  }
}

}  // namespace

RunFolder::RunFolder(Path folder, Existing existing) : path_(std::move(folder)) {
  on_files(path_, [&] {
    if (fs::exists(path_) && !fs::is_directory(path_)) {
      throw ConfigError("{} is a file, not a run folder", path_.string());
    }
    const bool occupied = fs::exists(path_) && !fs::is_empty(path_);
    if (occupied && existing == Existing::kRefuse) {
      throw ConfigError(
          "the run folder {} is not empty: --resume goes on with it, --overwrite begins anew, "
          "--out DIR takes another one",
          path_.string());
    }
    if (occupied && existing == Existing::kOverwrite) {
      for (const char* name : kContents) fs::remove_all(path_ / name);
    }
  });
  make_folders(path_ / kCheckpoints);
}

void RunFolder::write_config(const std::string& json) const {
  write_file(path_ / "config.json", json);
}

void RunFolder::add_start(const std::vector<std::string>& command_line, const std::string& device,
                          std::optional<std::int64_t> resumed_step) const {
  nlohmann::ordered_json run = read_run_file(path_ / kRunFile);
  nlohmann::ordered_json start = {{"time", now()},
                                  {"command_line", command_line},
                                  {"device", device},
                                  {"versions", nlohmann::ordered_json::parse(versions_json())}};
  if (resumed_step) start["resumed_step"] = *resumed_step;
  run["starts"].push_back(std::move(start));
  on_files(path_, [&] { fs::remove(path_ / kRequeueFile); });
  write_file(path_ / kRunFile, run.dump(2) + "\n");
}

void RunFolder::write_requeue(std::vector<std::string> command_line) const {
  const auto resumes = [](const std::string& word) { return word.starts_with("--resume"); };
  std::erase(command_line, "--overwrite");
  if (std::ranges::none_of(command_line, resumes)) command_line.emplace_back("--resume");
  const nlohmann::ordered_json json = {{"schema_version", 1}, {"command_line", command_line}};
  write_file(path_ / kRequeueFile, json.dump(2) + "\n");
}

Path RunFolder::checkpoint(std::int64_t step) const {
  return path_ / kCheckpoints / fmt::format("step-{:08}.safetensors", step);
}

std::vector<std::int64_t> RunFolder::checkpoint_steps() const {
  std::vector<std::int64_t> steps;
  on_files(path_, [&] {
    for (const auto& entry : fs::directory_iterator(path_ / kCheckpoints)) {
      if (const auto step = step_of(entry.path().filename().string())) steps.push_back(*step);
    }
  });
  std::ranges::sort(steps);
  return steps;
}

void RunFolder::publish(std::int64_t step, std::optional<std::int64_t> best,
                        const Keep& keep) const {
  link("last", step);
  if (best && fs::exists(checkpoint(*best))) link("best", *best);
  std::vector<std::int64_t> steps = checkpoint_steps();
  steps.resize(steps.size() - std::min(steps.size(), static_cast<std::size_t>(keep.last)));
  for (const std::int64_t old : steps) {
    if (old == best || (keep.every_steps > 0 && old % keep.every_steps == 0)) continue;
    on_files(path_, [&] { fs::remove(checkpoint(old)); });
  }
}

void RunFolder::discard_after(std::int64_t step) const {
  on_files(path_, [&] {
    for (const auto& entry : fs::directory_iterator(path_ / kCheckpoints)) {
      const auto other = step_of(entry.path().filename().string());
      // A killed run may have left a file that never got its name.
      if ((other && *other > step) || entry.path().extension() == ".tmp") fs::remove(entry.path());
    }
  });
}

void RunFolder::link(const char* name, std::int64_t step) const {
  const Path target = Path(kCheckpoints) / checkpoint(step).filename();
  const Path temporary = path_ / fmt::format(".{}.{}", name, ::getpid());
  on_files(path_ / name, [&] {
    fs::remove(temporary);
    fs::create_symlink(target, temporary);
    fs::rename(temporary, path_ / name);
  });
}

}  // namespace referent::engine
