// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace referent::data {

/// The indices 0 .. count-1 in the order in which an epoch visits them: as they are, or shuffled by
/// a stream that only seed and epoch determine, so that any epoch can be resumed without state.
std::vector<std::int64_t> epoch_order(std::int64_t count, std::uint64_t seed, std::uint64_t epoch,
                                      bool shuffle);

}  // namespace referent::data
