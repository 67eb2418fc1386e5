// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

namespace referent::nn {

/// While it lives, its thread's operators compute in `type` where ATen's autocast rules hold that
/// safe, and in float32 elsewhere. Scopes nest; float32 turns autocast off.
class Autocast {
 public:
  Autocast(torch::DeviceType device, torch::ScalarType type);
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;
  ~Autocast();

  /// What operators on the device compute in now.
  static torch::ScalarType current(torch::DeviceType device);

 private:
  torch::DeviceType device_;
  bool outer_enabled_;
  torch::ScalarType outer_type_;
};

}  // namespace referent::nn
