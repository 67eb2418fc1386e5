// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "referent/training/config.h"

namespace referent::training {

/// Exponential moving averages, in float32, of the parameters of a model that are trained (Polyak &
/// Juditsky 1992): average += (1 - decay) (parameter - average) after every step.
class Ema {
 public:
  /// The averages begin as the parameters are.
  Ema(const EmaConfig& config, const torch::nn::Module& model);

  /// After a step that changed the parameters.
  void update();

  /// Exchanges parameters and averages; a second call restores both to the last bit.
  void swap();

  /// Steps taken in.
  std::int64_t updates() const { return updates_; }

  /// The averages under the names of their parameters.
  std::map<std::string, torch::Tensor> state() const;
  /// Takes back what state() gave after `updates` updates. Throws CheckpointError when it does not
  /// fit.
  void load_state(const std::map<std::string, torch::Tensor>& state, std::int64_t updates);

 private:
  EmaConfig config_;
  std::vector<std::string> names_;
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> averages_;
  std::int64_t updates_ = 0;
};

/// The decay of update number `update`, from 0: with `warmup` a mean of all values so far at first.
double ema_decay(const EmaConfig& config, std::int64_t update);

}  // namespace referent::training
