// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <exception>

namespace referent::engine {

/// Whether LibTorch or the system had no memory left.
bool is_out_of_memory(const std::exception& error);

/// Gives memory that the device's allocator keeps for later back to the device.
void release_unused_memory(torch::Device device);

}  // namespace referent::engine
