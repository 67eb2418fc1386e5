// SPDX-License-Identifier: Apache-2.0
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "referent/app/commands.h"
#include "referent/core/error.h"
#include "referent/inference/build.h"
#include "subjects.h"

namespace referent::app {
namespace {

std::vector<bench::Row> measure_rows(const BenchOptions& options, std::int64_t workers,
                                     torch::Device device) {
  switch (options.what) {
    case BenchWhat::kOps:
      return bench::bench_ops(options, device);
    case BenchWhat::kTrain:
      return bench::bench_train(options, device);
    case BenchWhat::kOptimizer:
      return bench::bench_optimizer(options, device);
    case BenchWhat::kLoader:
      return bench::bench_loader(options, workers);
    case BenchWhat::kForward:
      break;
  }
  return bench::bench_forward(options, device);
}

nlohmann::ordered_json machine_of(const std::string& device) {
  return {{"device", device},
          {"threads", at::get_num_threads()},
          {"cpu_capability", at::get_cpu_capability()},
          {"torch", TORCH_VERSION}};
}

void print_row(const bench::Row& row) {
  std::string line = fmt::format("{:<44} median {:9.3f} ms  min {:9.3f}  max {:9.3f}", row.name,
                                 row.ours.median_ms, row.ours.min_ms, row.ours.max_ms);
  if (!row.rival_name.empty()) {
    line += fmt::format("  {} {:9.3f} ms  ratio {:5.2f}  difference {:.1e}{}", row.rival_name,
                        row.rival.median_ms, row.rival.median_ms / row.ours.median_ms,
                        row.max_difference.value(), row.differs ? " TOO LARGE" : "");
  }
  if (row.images_per_second) line += fmt::format("  {:7.0f} images/s", *row.images_per_second);
  if (row.peak_mib) line += fmt::format("  peak {:.0f} MiB", *row.peak_mib);
  if (row.floor) {
    line += fmt::format("  {:5.1f} % of floor ({})",
                        100 * row.floor->milliseconds / row.ours.median_ms, row.floor->formula);
  }
  fmt::print("{}\n", line);
}

}  // namespace

int run_bench(const BenchOptions& options, const CommonOptions& common) {
  const std::vector<bench::Row> rows =
      measure_rows(options, common.workers, inference::parse_device(common.device));
  if (common.json) {
    nlohmann::ordered_json document{{"schema_version", 1}, {"machine", machine_of(common.device)}};
    for (const bench::Row& row : rows) document["rows"].push_back(row.json());
    fmt::print("{}\n", document.dump(1));
  } else {
    for (const bench::Row& row : rows) print_row(row);
    fmt::print("{} rounds, {} threads, {}\n", options.rounds, at::get_num_threads(),
               at::get_cpu_capability());
  }
  const bool differs =
      std::any_of(rows.begin(), rows.end(), [](const bench::Row& row) { return row.differs; });
  return static_cast<int>(differs ? ExitStatus::kCheck : ExitStatus::kOk);
}

}  // namespace referent::app
