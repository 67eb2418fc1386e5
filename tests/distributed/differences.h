// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>

#include "referent/core/file.h"

namespace referent::testing {

/// How far the numbers of two files are apart.
struct Differences {
  double relative = INFINITY;  ///< L2 norm of the difference over that of the second
  double largest = INFINITY;   ///< of an element
};

/// Of files that hold numbers of type T and nothing else; infinite where their lengths differ.
template <typename T>
Differences differences(const Path& a, const Path& b) {
  const MappedFile first(a), second(b);
  const std::size_t count = first.bytes().size() / sizeof(T);
  if (second.bytes().size() != first.bytes().size() || count == 0) return {};
  const T* x = reinterpret_cast<const T*>(first.bytes().data());
  const T* y = reinterpret_cast<const T*>(second.bytes().data());
  double squares = 0, norm = 0, largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double difference = static_cast<double>(x[i]) - static_cast<double>(y[i]);
    squares += difference * difference;
    norm += static_cast<double>(y[i]) * static_cast<double>(y[i]);
    // Not std::max, which would pass over a difference that is no number.
    if (!(std::abs(difference) <= largest)) largest = std::abs(difference);
  }
  return {std::sqrt(squares / norm), largest};
}

}  // namespace referent::testing
