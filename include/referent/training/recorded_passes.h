// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "referent/batch/batch.h"
#include "referent/models/model.h"

namespace referent::training {

struct ForwardOptions;

/// A model's forward and backward pass on a GPU, recorded as CUDA graphs when a batch of the same
/// shape comes for the second time and replayed from then on: of MMCA's five thousand kernels a
/// step most take less time than to launch them. The losses and the optimizer are computed as ever.
///
/// Values are those of the passes themselves, dropout included. What is recorded lies in memory of
/// its own, as large as one step's activations, which is given back with this object.
class RecordedPasses {
 public:
  /// Of a model on a device that records (CudaRecording::possible), whose parameters stay where
  /// they are in memory.
  explicit RecordedPasses(models::Model& model);
  RecordedPasses(const RecordedPasses&) = delete;
  RecordedPasses& operator=(const RecordedPasses&) = delete;
  ~RecordedPasses();

  /// plain_forward(model, batch, options), whose backward pass may be run once, before the next
  /// call, for a loss that depends on all outputs; where it does not on masks, nothing is replayed.
  /// Where a recording fails, for lack of memory or because the model waits for the device, a
  /// warning says so, and passes are computed kernel by kernel from then on.
  Output forward(const Batch& batch, const ForwardOptions& options);

  /// Whether passes were recorded, and memory is held for them.
  bool any() const;

  /// Shapes beyond this many are computed kernel by kernel.
  static constexpr std::size_t kMostShapes = 4;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace referent::training
