// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "referent/batch/batch.h"
#include "referent/models/config.h"

namespace referent::models {

/// What a model is built for besides its configuration: the batches it will see.
struct InputShape {
  std::int64_t image_size = 640;  ///< side of the padded square [pixels]
  std::int64_t text_tokens = 20;  ///< padded length of an expression
};

/// A grounding model: pictures and expressions in, boxes out.
class Model : public torch::nn::Module {
 public:
  /// Needs every field of the batch but `boxes`.
  virtual Output forward(const Batch& batch) = 0;
};

/// Builds the model with its initial random values (ATen's generator). Throws ConfigError when
/// parts do not fit together.
std::shared_ptr<Model> make_model(const ModelConfig& config, const InputShape& shape);

}  // namespace referent::models
