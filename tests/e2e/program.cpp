// SPDX-License-Identifier: Apache-2.0
#include "e2e/program.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = R"({
  "name": "tiny", "seed": 5,
  "model": {
    "text_encoder": {"layers": 1, "width": 32, "heads": 2, "feedforward": 48, "pooler": false},
    "visual_encoder": {
      "backbone": {"depth": 18, "width": 8, "stages": 3, "normalisation": "folded",
                   "frozen_stages": 0},
      "transformer": {"layers": 1, "width": 32, "heads": 2, "feedforward": 48}
    },
    "conditioning": {"type": "mmca", "rank": 8, "gate_width": 16, "gate_hidden": 8},
    "decoder": {"transformer": {"layers": 1, "width": 32, "heads": 2, "feedforward": 48}}
  },
  "data": {
    "train": [{"path": "scenes/train.jsonl"}],
    "eval": {"val": {"path": "scenes/val.jsonl"}},
    "image": {"size": 64},
    "text": {"length": 12},
    "augment": {"type": "simple"}
  },
  "train": {"batch_size": 4, "epochs": 2, "log_every": 1,
            "optimizer": {"learning_rate": 1e-3, "clip_norm": 1.0}},
  "eval": {"batch_size": 5}
})";

void must_succeed(const ProcessResult& result) {
  if (result.status == 0) return;
  std::ostringstream report;
  PrintTo(result, &report);
  throw std::runtime_error("the tiny run cannot be made: " + report.str());
}

/// The youngest of the files that decide what a run is made of.
fs::file_time_type built() {
  const Path libraries = program().parent_path().parent_path() / "lib";
  return std::max({fs::last_write_time(program()),
                   fs::last_write_time(libraries / "libreferent.so"),
                   fs::last_write_time(libraries / "libreferent_base.so")});
}

TinyRun make_tiny_run() {
  const TinyRun tiny{Path(REFERENT_BINARY_DIR) / "e2e"};
  const Path stamp = tiny.folder / "complete";
  if (fs::exists(stamp) && fs::last_write_time(stamp) > built()) return tiny;
  fs::remove_all(tiny.folder);
  fs::create_directories(tiny.folder);
  std::ofstream(tiny.config()) << kConfig;
  must_succeed(referent({"data", "synthesize", tiny.scenes(), "--train", "40", "--val", "12",
                         "--size", "64", "--quiet"}));
  must_succeed(referent({"train", tiny.config(), "--out", tiny.run(), "--quiet"}));
  must_succeed(referent({"train", tiny.config(), "--out", tiny.mask_run(), "--quiet", "--set",
                         "model.heads.mask.width=8", "--set", "train.best_metric=mask_mean_iou"}));
  std::ofstream stamped(stamp);
  return tiny;
}

}  // namespace

Path program() {
  return REFERENT_PROGRAM;
}

Process start(const Words& arguments) {
  return {program(), arguments, {.environment = {{"OMP_NUM_THREADS", "1"}}}};
}

ProcessResult referent(const Words& arguments) {
  return start(arguments).wait();
}

Json document(const ProcessResult& result) {
  Json parsed = Json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(parsed.is_object()) << "not a JSON document: " << result.out << result.err;
  return parsed.is_object() ? parsed : Json::object();
}

std::vector<Json> json_lines(const Path& file) {
  std::ifstream stream(file);
  std::vector<Json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
  return lines;
}

void PrintTo(const ProcessResult& result, std::ostream* stream) {
  constexpr std::size_t kMost = 2000;
  *stream << "status " << result.status << ", signal " << result.signal
          << (result.timed_out ? ", out of time" : "")
          << "\nstandard output: " << result.out.substr(0, kMost)
          << "\nstandard error: " << result.err.substr(0, kMost);
}

const TinyRun& tiny_run() {
  static const TinyRun run = make_tiny_run();
  return run;
}

Words entries(const Path& folder) {
  Words names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

bool wait_until(const std::function<bool()>& condition, std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace referent::testing
