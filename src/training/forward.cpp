// SPDX-License-Identifier: Apache-2.0
#include "referent/training/forward.h"

#include "referent/nn/autocast.h"
#include "referent/nn/recompute.h"

namespace referent::training {

Output forward(models::Model& model, const Batch& batch, const ForwardOptions& options) {
  return options.recorded != nullptr ? options.recorded->forward(batch, options)
                                     : plain_forward(model, batch, options);
}

Output plain_forward(models::Model& model, const Batch& batch, const ForwardOptions& options) {
  if (options.type == torch::kFloat32 && !options.forget_activations) return model.forward(batch);
  const nn::Autocast low(batch.images.device().type(), options.type);
  const nn::ForgetActivations forget(options.forget_activations);
  Output output = model.forward(batch);
  for (Tensor* tensor : {&output.boxes, &output.scores, &output.mask_logits}) {
    if (tensor->defined()) *tensor = tensor->to(torch::kFloat32);
  }
  return output;
}

}  // namespace referent::training
