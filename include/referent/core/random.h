// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "referent/core/hash.h"

namespace referent {

/// A counter-based random stream: draw n is a hash of (key, n), so a stream has no state worth
/// saving, and what one sample draws depends neither on workers nor on other samples.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t key) : key_(key) {}

  /// The stream of one purpose ("augment", "order", ...) for one sample of one epoch.
  RandomStream(std::uint64_t seed, std::uint64_t epoch, std::uint64_t sample,
               std::string_view purpose)
      : key_(mix(mix(mix(splitmix64(seed + kGoldenGamma), epoch), sample), fnv1a64(purpose))) {}

  std::uint64_t next() { return splitmix64(key_ + ++counter_ * kGoldenGamma); }

  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform integer in [low, high], both included. Needs low <= high.
  std::int64_t integer(std::int64_t low, std::int64_t high);
  bool chance(double probability) { return uniform() < probability; }

  template <typename T>
  const T& choice(std::span<const T> values) {
    return values[static_cast<std::size_t>(
        integer(0, static_cast<std::int64_t>(values.size()) - 1))];
  }
  template <typename T>
  const T& choice(const std::vector<T>& values) {
    return choice(std::span<const T>(values));
  }

  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1],
                values[static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(i) - 1))]);
    }
  }

 private:
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    return splitmix64((a ^ b) + kGoldenGamma);
  }

  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

}  // namespace referent
