// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "referent/training/config.h"

namespace referent::training {

/// The factor of the peak learning rate at step `step` (from 0) of a run of `epochs` epochs of
/// `steps_per_epoch` steps.
double schedule_factor(const ScheduleConfig& config, std::int64_t step,
                       std::int64_t steps_per_epoch, std::int64_t epochs);

}  // namespace referent::training
