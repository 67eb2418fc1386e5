// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

namespace referent::nn {

/// While it lives, blocks that its thread computes forget their activations (Chen et al. 2016,
/// "Training Deep Nets with Sublinear Memory Cost"): see forgetting().
class ForgetActivations {
 public:
  explicit ForgetActivations(bool forget);
  ForgetActivations(const ForgetActivations&) = delete;
  ForgetActivations& operator=(const ForgetActivations&) = delete;
  ~ForgetActivations();

 private:
  bool outer_;
};

/// Everything differentiable that a block reads besides its parameters, to its output.
using BlockFunction = std::function<torch::Tensor(const std::vector<torch::Tensor>&)>;

/// block(inputs). Under ForgetActivations and where an input requires a gradient, only the inputs
/// are kept, and the backward pass computes the block again, with the same random numbers and under
/// the same autocast: only the order changes in which gradients of what several blocks read are
/// added up. `block` must live on its own: it runs again after its caller has returned.
torch::Tensor forgetting(const BlockFunction& block, const std::vector<torch::Tensor>& inputs);

}  // namespace referent::nn
