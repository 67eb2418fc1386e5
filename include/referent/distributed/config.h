// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "referent/config/field.h"

namespace referent::distributed {

/// How the processes of a run talk to each other. A run of one process needs none of it.
struct DistributedConfig {
  double timeout = 120;
  double connect_timeout = 20;
  bool deterministic = false;
  double bucket_megabytes = 25;

  template <class V>
  void visit(V& v) {
    v.field("timeout", timeout,
            "Seconds that a process waits for the others in one exchange before all give up.",
            config::in_range(1, 86400));
    v.field("connect_timeout", connect_timeout,
            "Seconds within which all processes must have come together at the start.",
            config::in_range(1, 86400));
    v.field("deterministic", deterministic,
            "Add gradients up in the order of the ranks: slower, more memory, and a result that "
            "does not depend on how the library passes pieces round.");
    v.field("bucket_megabytes", bucket_megabytes,
            "Gradients travel in pieces of about this size while the backward pass goes on.",
            config::in_range(0.001, 1024));
  }
};

}  // namespace referent::distributed
