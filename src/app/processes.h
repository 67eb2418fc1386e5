// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "referent/distributed/process_group.h"

namespace referent::app {

/// This process among those that it was started with.
struct Processes {
  torch::Device device;
  std::unique_ptr<distributed::ProcessGroup> group;  ///< null: alone

  bool first() const { return group == nullptr || group->rank() == 0; }
};

/// Reads the environment and waits for the others. `device` as the command line has it; "cuda"
/// gives every process of a host a GPU of its own. All but the first process fall silent, warnings
/// and errors apart. Throws ConfigError, DeviceError.
Processes join_processes(const std::string& device, const distributed::DistributedConfig& config);

/// What `action` returns. What it throws is told to the other processes before it goes on.
template <typename Action>
auto telling_others(const Processes& processes, const Action& action) {
  try {
    return action();
  } catch (const std::exception& error) {
    if (processes.group) processes.group->report(error.what());
    throw;
  }
}

}  // namespace referent::app
