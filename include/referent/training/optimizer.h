// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <map>
#include <string>
#include <vector>

#include "referent/training/config.h"

namespace referent::training {

/// AdamW (Loshchilov & Hutter 2019) over groups of named parameters, on ATen's fused kernel, with
/// PyTorch's arithmetic. Parameters without gradient are left alone, weight decay included.
class AdamW {
 public:
  struct Group {
    std::string name;
    double learning_rate;  ///< peak
    std::vector<std::string> parameters;
    std::int64_t count;  ///< numbers in them
  };

  /// Sorts the parameters that require a gradient into the configured groups and freezes those of
  /// frozen groups. Throws ConfigError for a pattern that matches nothing.
  AdamW(const OptimizerConfig& config, torch::nn::Module& model);

  /// The common norm of all gradients: a scalar on the parameters' device, for which nothing waits.
  torch::Tensor gradient_norm() const;

  /// One step at `factor` times every group's peak learning rate. Gradients are `loss_scale` times
  /// those of the loss, whose common norm is `norm`; they count as scaled to one of at most
  /// clip_norm. Where it is not finite, nothing changes. Nothing waits for a GPU. Gradients hold no
  /// promised values after.
  void step(double factor, const torch::Tensor& norm, double loss_scale = 1);

  void zero_gradients();

  /// The parameters that are trained, with their names, in the model's order.
  std::vector<std::pair<std::string, torch::Tensor>> parameters() const;

  const std::vector<Group>& groups() const { return groups_; }

  /// "<parameter>.exp_avg", "<parameter>.exp_avg_sq", "<parameter>.step" of every parameter that
  /// has been stepped.
  std::map<std::string, torch::Tensor> state() const;
  /// Takes back what state() gave. Throws CheckpointError when it does not fit.
  void load_state(const std::map<std::string, torch::Tensor>& state);

 private:
  struct Slot {
    std::string name;
    std::size_t group;
    torch::Tensor parameter;
    torch::Tensor exp_avg;  ///< undefined before the first step
    torch::Tensor exp_avg_sq;
    torch::Tensor step;  ///< float scalar
  };
  void make_state(Slot& slot);

  OptimizerConfig config_;
  std::vector<Group> groups_;
  std::vector<Slot> slots_;
};

/// True when `name` matches `pattern`, where * stands for any characters.
bool matches(const std::string& pattern, const std::string& name);

}  // namespace referent::training
