// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "referent/batch/batch.h"
#include "referent/engine/config.h"

namespace referent::app::bench {

/// Pictures of several shapes on their squares and expressions of several lengths, as they come in
/// RefCOCO, with random contents that are the same in every run; masks where the model has a mask
/// head.
Batch make_batch(const engine::RunConfig& config, std::int64_t batch_size);

}  // namespace referent::app::bench
