// SPDX-License-Identifier: Apache-2.0
#include "referent/core/random.h"

#include "referent/core/error.h"

namespace referent {

std::int64_t RandomStream::integer(std::int64_t low, std::int64_t high) {
  REFERENT_CHECK(low <= high, "empty range [{}, {}]", low, high);
  const std::uint64_t range =
      static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  if (range == 0) return static_cast<std::int64_t>(next());
  // The high half of a 64 x 64 product is uniform up to 2^-64 * range, far below what is visible.
  const auto product = static_cast<unsigned __int128>(next()) * range;
  return low + static_cast<std::int64_t>(product >> 64);
}

}  // namespace referent
