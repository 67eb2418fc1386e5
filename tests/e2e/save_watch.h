// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "referent/core/file.h"

namespace referent::testing {

/// Sees from outside when a run writes checkpoints, at the moment that it happens.
class SaveWatch {
 public:
  /// `run` and the folder checkpoints in it exist.
  explicit SaveWatch(const Path& run);
  SaveWatch(const SaveWatch&) = delete;
  SaveWatch& operator=(const SaveWatch&) = delete;
  ~SaveWatch();

  enum class Event { kBegun, kPublished };  ///< a temporary file made; `last` moved to it

  /// The next one; nothing when there is none for a quarter of a second.
  std::optional<Event> next();

 private:
  bool read_more();

  int descriptor_;
  int checkpoints_, run_;  ///< watches
  std::string unread_;
};

}  // namespace referent::testing
