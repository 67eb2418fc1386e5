// SPDX-License-Identifier: Apache-2.0
#include "referent/data/sampler.h"

#include <numeric>

#include "referent/core/error.h"
#include "referent/core/random.h"

namespace referent::data {

std::vector<std::int64_t> epoch_order(std::int64_t count, std::uint64_t seed, std::uint64_t epoch,
                                      bool shuffle) {
  REFERENT_CHECK(count >= 0, "{} examples", count);
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  if (shuffle) RandomStream(seed, epoch, 0, "order").shuffle(order);
  return order;
}

}  // namespace referent::data
