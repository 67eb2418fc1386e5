// SPDX-License-Identifier: Apache-2.0
#include "processes.h"

#include "referent/core/log.h"
#include "referent/core/progress.h"
#include "referent/inference/build.h"

namespace referent::app {

Processes join_processes(const std::string& device, const distributed::DistributedConfig& config) {
  const distributed::Environment environment = distributed::read_environment();
  Processes processes{inference::parse_device(device), nullptr};
  if (environment.world_size == 1) return processes;
  if (processes.device.is_cuda() && !processes.device.has_index()) {
    processes.device = {torch::kCUDA, static_cast<c10::DeviceIndex>(environment.local_rank)};
  }
  if (environment.rank > 0) {
    log::set_level(log::Level::kWarning);
    ProgressBar::set_quiet(true);
  }
  processes.group =
      std::make_unique<distributed::ProcessGroup>(environment, config, processes.device);
  return processes;
}

}  // namespace referent::app
