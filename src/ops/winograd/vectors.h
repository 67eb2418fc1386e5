// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the kernels are written in: vectors, and functions that are inlined into those for one
// processor.

#include <cstdint>

namespace referent::ops::winograd {

#define REFERENT_INLINE [[gnu::always_inline]] inline
#define REFERENT_WIDE [[gnu::target("arch=x86-64-v4")]]
#define REFERENT_NARROW [[gnu::target("arch=x86-64-v3")]]

/// The vectors of a processor, which lie anywhere in arrays of floats.
struct Wide {
  using Vector = float __attribute__((vector_size(64), aligned(4), may_alias));
  static constexpr int kRows = 14;  ///< of a product that stay in 32 registers
};
struct Narrow {
  using Vector = float __attribute__((vector_size(32), aligned(4), may_alias));
  static constexpr int kRows = 6;  ///< that stay in 16 registers
};

template <typename Machine>
constexpr std::int64_t kLanes = sizeof(typename Machine::Vector) / sizeof(float);
template <typename Machine>
constexpr std::int64_t kPanel = 2 * kLanes<Machine>;

template <typename Machine>
REFERENT_INLINE const typename Machine::Vector& at(const float* from) {
  return *reinterpret_cast<const typename Machine::Vector*>(from);
}
template <typename Machine>
REFERENT_INLINE typename Machine::Vector& at(float* to) {
  return *reinterpret_cast<typename Machine::Vector*>(to);
}

}  // namespace referent::ops::winograd
