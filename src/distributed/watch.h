// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "connect.h"

namespace referent::distributed {

/// A thread that shows in the store that this process lives, and sees who else does. All processes
/// learn of the first failure, in the same words; one that has learned of it and does not come to
/// its end by itself, because it waits for a device or is busy with something else, is ended with
/// status 7.
class Watch {
 public:
  /// A rank that has been silent for `timeout` counts as failed even where nobody waits for it.
  Watch(const Store& store, const Environment& environment, std::chrono::milliseconds timeout);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  /// An orderly end; of rank 0 when the others have been told that the store closes.
  ~Watch();

  /// This process fails of itself, with `message`.
  void report(const std::string& message);

  /// An exchange with the others failed here, with `message`. What failed first in the group, after
  /// 3 s at most.
  std::string first_failure(const std::string& message);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace referent::distributed
