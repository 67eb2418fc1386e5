// SPDX-License-Identifier: Apache-2.0
#include "referent/training/loss_scaler.h"

#include <algorithm>

namespace referent::training {
namespace {

/// Below 1 a loss would be made smaller, which no overflow asks for.
constexpr double kLeast = 1;
constexpr double kMost = 1 << 24;

}  // namespace

LossScaler::LossScaler(const LossScalingConfig& config) : config_(config) {
  state_.scale = config.initial;
}

bool LossScaler::update(bool finite) {
  if (finite) {
    if (++state_.steps == config_.growth_steps) {
      state_ = {std::min(2 * state_.scale, kMost), 0};
    }
    return false;
  }
  const bool lowered = state_.scale > kLeast;
  state_ = {std::max(state_.scale / 2, kLeast), 0};
  return lowered;
}

}  // namespace referent::training
