// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

namespace referent::testing {

/// Ends the process, and so fails the test, when something waits for ever.
class Watchdog {
 public:
  explicit Watchdog(unsigned seconds) { ::alarm(seconds); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() { ::alarm(0); }
};

}  // namespace referent::testing
