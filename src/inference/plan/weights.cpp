// SPDX-License-Identifier: Apache-2.0
#include "weights.h"

#include <fmt/ranges.h>

#include "referent/core/error.h"

namespace referent::inference {

using torch::Tensor;

Weights Weights::operator[](std::string_view name) const {
  Weights part(*this);
  part.prefix_ = prefix_ + std::string(name) + ".";
  return part;
}

Tensor Weights::get(std::string_view name, torch::IntArrayRef shape) const {
  const Tensor tensor = find(name);
  if (!tensor.defined()) {
    throw CheckpointError("the checkpoint lacks {}{} [{}], which this model needs", prefix_, name,
                          fmt::join(shape, ", "));
  }
  if (tensor.sizes() != shape) {
    throw CheckpointError("{}{}: the model expects shape [{}], the checkpoint holds [{}]", prefix_,
                          name, fmt::join(shape, ", "), fmt::join(tensor.sizes(), ", "));
  }
  return tensor;
}

Tensor Weights::find(std::string_view name) const {
  const std::string full = prefix_ + std::string(name);
  Tensor tensor = state_->source(full);
  if (tensor.defined()) state_->taken.insert(full);
  return tensor;
}

void Weights::pass_over(std::string_view name) const {
  state_->taken.insert(prefix_ + std::string(name));
}

}  // namespace referent::inference
