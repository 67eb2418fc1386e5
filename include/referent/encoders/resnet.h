// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/any.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>

#include <string>
#include <vector>

#include "referent/conditioning/conditioning.h"
#include "referent/encoders/config.h"

namespace referent::encoders {

/// One residual block, torchvision's BasicBlock or Bottleneck.
struct BlockShape {
  std::int64_t stage;  ///< 1 to 4: the block is "layer<stage>.<index>"
  std::int64_t index;
  bool bottleneck;
  std::int64_t input;     ///< channels
  std::int64_t width;     ///< channels of the 3x3 convolution
  std::int64_t stride;    ///< of the (first) 3x3 convolution and the shortcut
  std::int64_t dilation;  ///< of the 3x3 convolutions
  bool conditioned;       ///< the last of a stage after the first

  std::int64_t output() const { return bottleneck ? 4 * width : width; }
  std::string name() const { return fmt::format("layer{}.{}", stage, index); }
};

/// All blocks in order. Throws ConfigError for a depth that there is no network of.
std::vector<BlockShape> block_shapes(const ResNetConfig& config);

/// Of a block's convolutions, the one whose weight conditioning may update (3x3, stride 1 in the
/// last block of a stage).
constexpr std::size_t kConditionedConvolution = 1;

/// The conditioned blocks, as a visual encoder offers them.
std::vector<conditioning::BlockSite> block_sites(const std::vector<BlockShape>& blocks);

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

 private:
  void freeze(std::int64_t stages);

  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::AnyModule bn1_;
  std::vector<torch::nn::ModuleList> stages_;
  std::vector<std::shared_ptr<Module>> frozen_;
  Normalisation normalisation_;
  std::int64_t channels_ = 0;
};
TORCH_MODULE(ResNet);

}  // namespace referent::encoders
