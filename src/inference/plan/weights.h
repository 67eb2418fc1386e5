// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace referent::inference {

/// A model's parameters and buffers by native name, one at a time: a plan takes each, makes what it
/// computes with out of it and lets go, so that a file is never in memory beside the plan. Copies
/// share what was taken.
class Weights {
 public:
  /// The tensor of a name, float32 or float64 on the CPU; undefined where there is none.
  using Source = std::function<torch::Tensor(const std::string&)>;

  explicit Weights(Source source) : state_(std::make_shared<State>(State{std::move(source), {}})) {}

  /// Those under "<name>.".
  Weights operator[](std::string_view name) const;

  /// Throws CheckpointError where it is missing or of another shape.
  torch::Tensor get(std::string_view name, torch::IntArrayRef shape) const;
  /// Undefined where it is missing.
  torch::Tensor find(std::string_view name) const;
  /// Names a tensor that the plan does not need.
  void pass_over(std::string_view name) const;

  /// The names that were asked for.
  const std::set<std::string>& taken() const { return state_->taken; }

 private:
  struct State {
    Source source;
    std::set<std::string> taken;
  };

  std::shared_ptr<State> state_;
  std::string prefix_;
};

}  // namespace referent::inference
