// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/util/Exception.h>

namespace referent::distributed {

/// While it lives, this thread drops LibTorch's warnings: on failures that are handled, with a
/// backtrace, and on settings that are meant.
class Silence {
 public:
  Silence() : guard_(&handler_) {}

 private:
  struct Handler : c10::WarningHandler {
    void process(const c10::Warning& /*warning*/) override {}
  };
  Handler handler_;
  c10::WarningUtils::WarningHandlerGuard guard_;
};

}  // namespace referent::distributed
