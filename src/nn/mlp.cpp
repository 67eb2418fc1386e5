// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/mlp.h"

#include <torch/nn/modules/linear.h>

namespace referent::nn {

MlpImpl::MlpImpl(std::int64_t input, std::int64_t hidden, std::int64_t output, std::int64_t depth) {
  register_module("layers", layers_);
  for (std::int64_t i = 0; i < depth; ++i) {
    layers_->push_back(
        torch::nn::Linear(i == 0 ? input : hidden, i + 1 == depth ? output : hidden));
  }
}

torch::Tensor MlpImpl::forward(torch::Tensor x) {
  for (std::size_t i = 0; i < layers_->size(); ++i) {
    x = layers_[i]->as<torch::nn::Linear>()->forward(x);
    if (i + 1 < layers_->size()) x = torch::relu(x);
  }
  return x;
}

}  // namespace referent::nn
