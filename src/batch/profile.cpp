// SPDX-License-Identifier: Apache-2.0
#include "referent/batch/profile.h"

#include <torch/csrc/autograd/profiler_kineto.h>
#include <torch/cuda.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "referent/core/file.h"
#include "referent/core/log.h"

namespace referent {
namespace {

constexpr std::size_t kLines = 40;
constexpr std::size_t kNameLength = 110;

struct Line {
  std::int64_t calls = 0;
  double milliseconds = 0;
};

}  // namespace

void profile(torch::Device device, const std::filesystem::path& trace,
             const std::function<void()>& work) {
  write_file(trace, "");
  using torch::profiler::impl::ActivityType;
  const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
  std::set<ActivityType> activities{ActivityType::CPU};
  if (device.is_cuda()) activities.insert(ActivityType::CUDA);
  torch::autograd::profiler::prepareProfiler(config, activities);
  torch::autograd::profiler::enableProfiler(config, activities);
  try {
    work();
  } catch (...) {
    torch::autograd::profiler::disableProfiler();
    throw;
  }
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
  const auto result = torch::autograd::profiler::disableProfiler();
  result->save(trace.string());

  std::map<std::string, Line> by_name;
  double total = 0;
  for (const auto& event : result->events()) {
    if (event.deviceType() != device.type()) continue;
    Line& line = by_name[event.name()];
    ++line.calls;
    line.milliseconds += 1e-6 * static_cast<double>(event.durationNs());
    total += 1e-6 * static_cast<double>(event.durationNs());
  }
  std::vector<std::pair<std::string, Line>> lines(by_name.begin(), by_name.end());
  std::ranges::sort(lines, std::greater{},
                    [](const auto& entry) { return entry.second.milliseconds; });
  log::info("{:.3f} ms in {} kinds; timeline in {}", total, lines.size(), trace.string());
  for (std::size_t i = 0; i < std::min(kLines, lines.size()); ++i) {
    const auto& [name, line] = lines[i];
    log::info("{:9.3f} ms {:5} x {}", line.milliseconds, line.calls, name.substr(0, kNameLength));
  }
}

}  // namespace referent
