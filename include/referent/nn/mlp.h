// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>

namespace referent::nn {

/// Linear layers with ReLU between them; parameters "layers.<i>.weight" and ".bias".
class MlpImpl : public torch::nn::Module {
 public:
  /// `depth` >= 1 layers: input -> hidden -> ... -> output.
  MlpImpl(std::int64_t input, std::int64_t hidden, std::int64_t output, std::int64_t depth);

  torch::Tensor forward(torch::Tensor x);  // [..., input] -> [..., output]

 private:
  torch::nn::ModuleList layers_;
};
TORCH_MODULE(Mlp);

}  // namespace referent::nn
