// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn.h>

#include <vector>

#include "referent/conditioning/conditioning.h"
#include "referent/encoders/config.h"

namespace referent::encoders {

/// torchvision's ResNet (He et al. 2016) up to its last stage, with frozen or learning batch norm,
/// or with convolutions that batch norm was folded into. Parameter names are torchvision's.
class ResNetImpl : public torch::nn::Module {
 public:
  explicit ResNetImpl(const ResNetConfig& config);

  /// images [B, 3, H, W] to [B, channels(), H / stride, W / stride]. The last block of layers 2, 3
  /// (and 4) is conditioned when `conditioning` is not null.
  torch::Tensor forward(const torch::Tensor& images, const TextFeatures& text,
                        conditioning::Conditioning* conditioning);

  void train(bool on = true) override;

  std::int64_t channels() const { return channels_; }
  const std::vector<conditioning::BlockSite>& sites() const { return sites_; }

 private:
  void freeze(std::int64_t stages);

  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::AnyModule bn1_;
  std::vector<torch::nn::ModuleList> stages_;
  std::vector<std::shared_ptr<Module>> frozen_;
  std::vector<conditioning::BlockSite> sites_;
  std::int64_t channels_ = 0;
};
TORCH_MODULE(ResNet);

}  // namespace referent::encoders
