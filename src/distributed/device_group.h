// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include <chrono>

#include "connect.h"

namespace referent::distributed {

using Backend = c10::intrusive_ptr<c10d::Backend>;
using DeviceGroup = c10::intrusive_ptr<c10d::ProcessGroup>;

/// A group that exchanges tensors of the CPU, where this build has Gloo, and of `device`. Throws
/// DeviceError where this build has nothing for `device`.
DeviceGroup make_device_group(const Store& store, const Environment& environment,
                              std::chrono::milliseconds timeout, torch::Device device);

/// Where bytes lie for this group to exchange them.
torch::Device byte_device(torch::Device device);

// Each in a file of its own, where its headers are at hand.
Backend make_gloo(const Store& store, const Environment& environment,
                  std::chrono::milliseconds timeout);
Backend make_nccl(const Store& store, const Environment& environment,
                  std::chrono::milliseconds timeout);

}  // namespace referent::distributed
