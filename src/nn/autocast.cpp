// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/autocast.h"

#include <ATen/autocast_mode.h>

namespace referent::nn {

Autocast::Autocast(torch::DeviceType device, torch::ScalarType type)
    : device_(device),
      outer_enabled_(at::autocast::is_autocast_enabled(device)),
      outer_type_(at::autocast::get_autocast_dtype(device)) {
  at::autocast::set_autocast_enabled(device, type != torch::kFloat32);
  if (type != torch::kFloat32) at::autocast::set_autocast_dtype(device, type);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  // Lowered copies of weights live as long as the outermost scope.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_dtype(device_, outer_type_);
  at::autocast::set_autocast_enabled(device_, outer_enabled_);
}

torch::ScalarType Autocast::current(torch::DeviceType device) {
  return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device)
                                                   : torch::kFloat32;
}

}  // namespace referent::nn
