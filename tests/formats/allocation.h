// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace referent::testing {

/// How far the bytes that operator new handed out, less those given back, rise while this lives.
/// One at a time, in one thread.
class AllocationPeak {
 public:
  AllocationPeak();

  /// The highest so far, above what there was at the beginning.
  std::size_t bytes() const;

 private:
  std::ptrdiff_t before_;
};

}  // namespace referent::testing
