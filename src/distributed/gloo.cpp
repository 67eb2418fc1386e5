// SPDX-License-Identifier: Apache-2.0
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <cstdlib>

#include "device_group.h"
#include "listener.h"
#include "referent/core/error.h"

namespace referent::distributed {
namespace {

std::shared_ptr<gloo::transport::Device> make_device(const Environment& environment) {
  if (const char* interface = std::getenv("GLOO_SOCKET_IFNAME")) {
    return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  }
  // The host's name, LibTorch's choice, is a loopback address on many systems.
  const std::string address = own_address(environment.master_address, environment.master_port);
  if (environment.rank == 0 && address.starts_with("127.") &&
      environment.local_world_size < environment.world_size && environment.local_world_size > 1) {
    throw ConfigError(
        "MASTER_ADDR \"{}\" is a loopback address on rank 0, which other hosts cannot reach: set "
        "it to an IP address of rank 0's host, or GLOO_SOCKET_IFNAME to its network interface",
        environment.master_address);
  }
  return c10d::ProcessGroupGloo::createDeviceForHostname(address);
}

}  // namespace

Backend make_gloo(const Store& store, const Environment& environment,
                  std::chrono::milliseconds timeout) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(make_device(environment));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, environment.rank,
                                                     environment.world_size, options);
}

}  // namespace referent::distributed
