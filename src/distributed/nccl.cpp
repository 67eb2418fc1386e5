// SPDX-License-Identifier: Apache-2.0
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "device_group.h"

namespace referent::distributed {

Backend make_nccl(const Store& store, const Environment& environment,
                  std::chrono::milliseconds timeout) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  // Its own watch aborts the process without a word; ours, which can say who failed, comes first.
  options->timeout = timeout + std::chrono::seconds(10);
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, environment.rank,
                                                     environment.world_size, options);
}

}  // namespace referent::distributed
