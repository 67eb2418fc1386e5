// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "referent/training/config.h"

namespace referent::training {

/// The factor that lifts a loss so that gradients in float16 do not vanish (Micikevicius et al.
/// 2018): halved by a step whose gradients overflowed, doubled after many that did not.
class LossScaler {
 public:
  struct State {
    double scale = 1;
    std::int64_t steps = 0;  ///< without overflow since the scale last changed

    bool operator==(const State&) const = default;
  };

  explicit LossScaler(const LossScalingConfig& config);

  double scale() const { return state_.scale; }

  /// After a step. True when its gradients were not finite for the scale's sake: it goes down, and
  /// the next step's may be.
  bool update(bool finite);

  const State& state() const { return state_; }
  void load_state(const State& state) { state_ = state; }

 private:
  LossScalingConfig config_;
  State state_;
};

}  // namespace referent::training
