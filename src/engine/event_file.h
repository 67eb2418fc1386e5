// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "referent/engine/recorder.h"

namespace referent::engine {

/// The scalars of a run in TensorBoard's format: an Event message of protocol buffers in each
/// record of a TFRecord file (tensorflow/core/util/event.proto, core/lib/io/record_writer.h).
class EventFile {
 public:
  /// In `folder` / "tensorboard".
  explicit EventFile(const Path& folder);

  /// Throws FileError.
  void add(const Record& record) const;

  /// Drops what was recorded after step `trained`, of evaluations after `evaluated`, and a record
  /// that was not finished.
  void rewind(std::int64_t trained, std::int64_t evaluated) const;

 private:
  Path path_;
};

}  // namespace referent::engine
