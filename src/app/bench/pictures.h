// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "referent/core/file.h"
#include "referent/data/example.h"

namespace referent::app::bench {

/// JPEG files with made-up annotations: a box in the middle and expressions of several lengths,
/// some of which name a direction.
class Pictures {
 public:
  /// The first `count` JPEG files of `folder` by name. Empty: `count` pictures of 640 x 480 pixels
  /// and about 120 kB, made in a temporary folder that goes with this. Throws DataError where the
  /// folder holds none, or one without a readable header.
  Pictures(const Path& folder, std::int64_t count);
  Pictures(const Pictures&) = delete;
  Pictures& operator=(const Pictures&) = delete;
  ~Pictures();

  const std::vector<data::Example>& examples() const { return examples_; }

 private:
  Path made_;
  std::vector<data::Example> examples_;
};

}  // namespace referent::app::bench
