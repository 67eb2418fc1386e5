// SPDX-License-Identifier: Apache-2.0
#include "referent/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace referent::training {
namespace {

/// How often the rate has dropped when `epoch` begins.
std::int64_t drops_before(const ScheduleConfig& config, std::int64_t epoch) {
  if (config.drops.empty()) return epoch / config.drop_epochs;
  return std::count_if(config.drops.begin(), config.drops.end(),
                       [&](std::int64_t drop) { return drop <= epoch; });
}

}  // namespace

double schedule_factor(const ScheduleConfig& config, std::int64_t step,
                       std::int64_t steps_per_epoch, std::int64_t epochs) {
  double factor = 1.0;
  const double total = static_cast<double>(std::max<std::int64_t>(1, steps_per_epoch * epochs));
  const double done = std::min(1.0, static_cast<double>(step) / total);
  switch (config.type) {
    case ScheduleType::kConstant:
      break;
    case ScheduleType::kStep:
      factor = std::pow(config.drop_factor,
                        static_cast<double>(drops_before(
                            config, step / std::max<std::int64_t>(1, steps_per_epoch))));
      break;
    case ScheduleType::kPoly:
      factor = std::pow(1.0 - done, config.power);
      break;
    case ScheduleType::kCosine:
      factor = 0.5 * (1.0 + std::cos(std::numbers::pi * done));
      break;
  }
  if (step < config.warmup_steps) {
    factor *= static_cast<double>(step + 1) / static_cast<double>(config.warmup_steps);
  }
  return factor;
}

}  // namespace referent::training
