// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <exception>
#include <stdexcept>
#include <string>

namespace referent::training {

/// Memory did not suffice on one process of a group, and all of them know. What they have computed
/// of the step is dropped.
class OutOfMemory : public std::runtime_error {
 public:
  OutOfMemory(int rank, const std::string& reason) : std::runtime_error(reason), rank_(rank) {}
  int rank() const { return rank_; }

 private:
  int rank_;
};

/// Whether LibTorch or the system had no memory left.
bool is_out_of_memory(const std::exception& error);

/// Gives memory that the device's allocator keeps for later back to the device.
void release_unused_memory(torch::Device device);

}  // namespace referent::training
