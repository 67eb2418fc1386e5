// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <vector>

#include "referent/distributed/process_group.h"

namespace referent::training {

/// The running means and variances of the batch norms that learn (Ioffe & Szegedy 2015). A forward
/// pass changes them, not the optimiser, and every process sees other samples. Without such layers
/// nothing here does anything.
class RunningStatistics {
 public:
  explicit RunningStatistics(const torch::nn::Module& model);

  /// Remembers them, before a step.
  void keep();

  /// Makes them what they were when they were kept: after a step that is not to count.
  void restore();

  /// Makes them their mean over all processes, with the same bits everywhere.
  void average(distributed::ProcessGroup& group);

 private:
  std::vector<torch::Tensor> values_;  ///< means and variances
  std::vector<torch::Tensor> counts_;  ///< of batches, which are the same everywhere
  std::vector<torch::Tensor> kept_;    ///< values, then counts
};

}  // namespace referent::training
