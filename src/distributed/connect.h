// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "referent/distributed/config.h"
#include "referent/distributed/environment.h"

namespace referent::distributed {

using Store = c10::intrusive_ptr<c10d::Store>;

/// The key under which a process shows that it lives, there from its arrival on.
std::string life_key(int rank);

/// The store that all processes of the group share, once all of them have come. Throws ConfigError
/// that names the variable at fault when the store cannot be opened or reached, when processes are
/// missing at the end of the time, two have the same rank, or group sizes differ.
Store connect(const Environment& environment, const DistributedConfig& config);

}  // namespace referent::distributed
