// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <memory>

#include "referent/batch/batch.h"
#include "referent/batch/features.h"
#include "referent/checkpoint/checkpoint.h"
#include "referent/models/model.h"

namespace referent::inference {

/// A trained model laid out for inference alone: batch norm folded into convolutions, weights
/// packed for the device and its numbers, activations and sums done where their inputs are made,
/// constant products made beforehand, and what nobody reads left out (padding where attention would
/// mask it, all rows but REG's in the last fusion layer). Gives the model's output within rounding.
///
/// Its work is in two halves, so that many expressions about one picture share what comes before
/// the first weight that the text changes, and many pictures share an expression. Safe to use from
/// many threads.
class Plan {
 public:
  struct Options {
    torch::Device device = torch::kCPU;
    torch::ScalarType dtype = torch::kFloat32;  ///< or float64, bfloat16; float16 on a GPU
    checkpoint::Weights weights = checkpoint::Weights::kEma;  ///< which of a checkpoint's
    /// Expressions whose features forward() keeps on the CPU, for further pictures.
    std::int64_t expressions = 64;
  };

  /// Takes what it needs from the checkpoint's tensors, one after the other. Throws CheckpointError
  /// when one is missing, unknown or of the wrong shape, ConfigError when parts do not fit
  /// together.
  Plan(const models::ModelConfig& config, const models::InputShape& shape,
       const checkpoint::Checkpoint& checkpoint, const Options& options);
  /// Out of a model's current values; the model is not needed after.
  Plan(const models::ModelConfig& config, const models::InputShape& shape,
       const models::Model& model, const Options& options);
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;
  ~Plan();

  /// What the plan knows of pictures before it has read a text.
  class Pictures;
  /// images [B, 3, H, W], image_padding [B, H, W] as in a Batch, on any device.
  std::shared_ptr<const Pictures> see(const torch::Tensor& images,
                                      const torch::Tensor& image_padding) const;
  /// tokens [B, L] int64, padding [B, L] bool as in a Batch.
  TextFeatures read(const torch::Tensor& tokens, const torch::Tensor& padding) const;
  /// Those of `count` of the texts; on the CPU, of a single one without its padding.
  static TextFeatures part_of(const TextFeatures& text, std::int64_t begin, std::int64_t count);
  /// One text for each of the pictures. `again`: the pictures will be asked about again.
  Output ground(const Pictures& pictures, const TextFeatures& text, bool again) const;

  /// All three for a batch; the output is on the plan's device, float32 at least. On a GPU shapes
  /// that come again are replayed as a recorded graph, in which the text is read beside the first
  /// stages.
  Output forward(const Batch& batch) const;

  const Options& options() const { return options_; }

 private:
  struct Parts;

  Output forward_on_gpu(const Batch& batch) const;

  Options options_;
  std::unique_ptr<const Parts> parts_;
};

}  // namespace referent::inference
