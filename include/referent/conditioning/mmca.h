// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/conditioning/conditioning.h"

namespace referent::conditioning {

/// MMCA (ACM MM 2024): adapters on q and k of every encoder layer and on the last block of each
/// conditioned residual stage; in the paper variant on the MLP too.
std::shared_ptr<Conditioning> make_mmca(const ConditioningConfig& config, const Sites& sites,
                                        std::int64_t text_width);

}  // namespace referent::conditioning
