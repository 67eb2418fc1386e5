// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "referent/distributed/process_group.h"

namespace referent::distributed {

struct ReducerOptions {
  bool deterministic = false;  ///< add up in the order of the ranks
  double bucket_megabytes = 25;
  /// Blocks of the model may be computed again in the backward pass (nn::forgetting), whose
  /// parameters the graph of the loss does not show. Each may be so once in a backward pass: of a
  /// block that a loss goes through twice, c10d::Reducer cannot tell when its gradients are ready.
  bool recompute = false;
  /// abandon() may be called. Where the loss reaches not all parameters, exchanges begin later.
  bool abandonable = false;
};

/// What the exchange of gradients has cost. On a GPU the times are the host's, which does not wait
/// for the device: there they say little.
struct CommunicationCost {
  std::int64_t bytes = 0;      ///< of gradients that this rank has put in
  std::int64_t exchanges = 0;  ///< buckets
  double seconds = 0;          ///< in which at least one exchange was under way
  double exposed_seconds = 0;  ///< of these after the last gradient was there: not hidden
};

/// Sums gradients over the ranks of a group, in buckets whose exchange starts while the backward
/// pass goes on (c10d::Reducer). Sums, not means: a rank scales its loss by its share of the global
/// batch. The buckets never change, so a step's result does not depend on the steps before it.
/// Parameters may be of float32, float64, bfloat16 and float16.
class GradientReducer {
 public:
  using Parameters = std::vector<std::pair<std::string, torch::Tensor>>;

  /// `parameters` that require a gradient, with names, in the order of the forward pass: the same
  /// on all ranks. `group` must outlive the reducer.
  GradientReducer(ProcessGroup& group, const Parameters& parameters, const ReducerOptions& options);
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;
  ~GradientReducer();

  /// The backward pass of a micro-batch that is not a step's last: adds to this rank's gradients
  /// and exchanges nothing.
  void accumulate(const torch::Tensor& loss);

  /// The backward pass of a step's only or last micro-batch. After it, the gradients of all ranks
  /// are the sums, the same bits everywhere. A parameter that no rank's loss of this step reached
  /// keeps its gradient as it was (undefined); one that only some ranks' reached has their sum
  /// everywhere. A rank without samples gives an undefined loss and takes part with nothing.
  /// Throws PeerError as the group does.
  void backward(const torch::Tensor& loss);

  /// For a process whose step failed, in accumulate(), in backward() or before either, while others
  /// wait in backward(): takes part with what there is, so that they come to their end. All ranks'
  /// gradients are worth nothing then. False when backward() failed too late to know what the
  /// others have of it. Needs ReducerOptions::abandonable.
  bool abandon();

  /// What backward() has cost since the last call of this.
  CommunicationCost take_cost();

 private:
  class Exchange;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace referent::distributed
