// SPDX-License-Identifier: Apache-2.0
#include "referent/encoders/resnet.h"

#include <torch/nn/init.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>

#include <array>

#include "referent/batch/probe.h"
#include "referent/core/error.h"
#include "referent/nn/autocast.h"
#include "referent/nn/frozen_batch_norm.h"
#include "referent/nn/recompute.h"

namespace referent::encoders {
namespace {

using torch::Tensor;

struct Architecture {
  std::int64_t depth;
  bool bottleneck;
  std::array<std::int64_t, 4> blocks;
};
constexpr std::array<Architecture, 4> kArchitectures{{{18, false, {2, 2, 2, 2}},
                                                      {34, false, {3, 4, 6, 3}},
                                                      {50, true, {3, 4, 6, 3}},
                                                      {101, true, {3, 4, 23, 3}}}};

const Architecture& architecture_of(std::int64_t depth) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.depth == depth) return architecture;
  }
  throw ConfigError("backbone depth {}: expected 18, 34, 50 or 101", depth);
}

torch::nn::Conv2d convolution(std::int64_t input, std::int64_t output, std::int64_t kernel,
                              std::int64_t stride, std::int64_t dilation, bool bias) {
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(input, output, kernel)
                              .stride(stride)
                              .padding(kernel / 2 * dilation)
                              .dilation(dilation)
                              .bias(bias));
  torch::nn::init::kaiming_normal_(layer->weight, 0.0, torch::kFanOut, torch::kReLU);
  if (bias) torch::nn::init::zeros_(layer->bias);
  return layer;
}

torch::nn::AnyModule normalisation_layer(Normalisation normalisation, std::int64_t channels) {
  return normalisation == Normalisation::kBatch
             ? torch::nn::AnyModule(torch::nn::BatchNorm2d(channels))
             : torch::nn::AnyModule(nn::FrozenBatchNorm2d(channels));
}

/// The layer's output with `weight` for its own. Where a 1x1 convolution strides over fewer than 16
/// channels, the gradient of its weight in oneDNN (LibTorch 2.11, AVX-512, channels-last) writes
/// outside its memory: there the pixels that it reads are picked beforehand.
Tensor output_of(const torch::nn::Conv2dImpl& layer, const Tensor& weight, const Tensor& x) {
  constexpr std::int64_t kFewChannels = 16;
  const std::int64_t stride = layer.options.stride()->at(0);
  if (!x.is_cpu() || stride == 1 || weight.size(2) != 1 || x.size(1) >= kFewChannels) {
    const auto& padding = std::get<torch::ExpandingArray<2>>(layer.options.padding());
    return torch::conv2d(x, weight, layer.bias, layer.options.stride(), padding,
                         layer.options.dilation());
  }
  const Tensor picked = x.slice(2, 0, std::nullopt, stride).slice(3, 0, std::nullopt, stride);
  return torch::conv2d(picked, weight, layer.bias);
}

/// A convolution and what normalises it, if anything.
Tensor convolve(torch::nn::Conv2dImpl& layer, const std::shared_ptr<torch::nn::Module>& norm,
                const Tensor& x) {
  Tensor y = output_of(layer, layer.weight, x);
  if (norm == nullptr) return y;
  if (auto* frozen = norm->as<nn::FrozenBatchNorm2d>()) return frozen->forward(y);
  return norm->as<torch::nn::BatchNorm2d>()->forward(y);
}

/// The norm where it, a sum and ReLU are one pass with their convolution: frozen, on a GPU or in
/// float32.
nn::FrozenBatchNorm2dImpl* fusible(const std::shared_ptr<torch::nn::Module>& norm,
                                   const Tensor& x) {
  const auto exact = [&] {
    return x.scalar_type() == torch::kFloat32 &&
           nn::Autocast::current(torch::kCPU) == torch::kFloat32;
  };
  return norm != nullptr && (x.is_cuda() || exact()) ? norm->as<nn::FrozenBatchNorm2d>() : nullptr;
}

Tensor convolve_relu(torch::nn::Conv2dImpl& layer, const std::shared_ptr<torch::nn::Module>& norm,
                     const Tensor& x) {
  if (auto* frozen = fusible(norm, x)) {
    return frozen->relu_of_convolution(layer, x, frozen->shift(), /*sum=*/{});
  }
  return torch::relu(convolve(layer, norm, x));
}

/// torchvision's BasicBlock and Bottleneck: convolutions with norms, a shortcut, ReLU.
class Block : public torch::nn::Module {
 public:
  Block(const BlockShape& o, Normalisation normalisation) : normalisation_(normalisation) {
    if (o.bottleneck) {
      add_convolution(convolution(o.input, o.width, 1, 1, 1, folded()));
      add_convolution(convolution(o.width, o.width, 3, o.stride, o.dilation, folded()));
      add_convolution(convolution(o.width, o.output(), 1, 1, 1, folded()));
    } else {
      add_convolution(convolution(o.input, o.width, 3, o.stride, o.dilation, folded()));
      add_convolution(convolution(o.width, o.width, 3, 1, o.dilation, folded()));
    }
    if (folded()) {
      // Nothing normalises the sum of a block, so it starts as its shortcut (Goyal et al. 2017).
      torch::nn::init::zeros_(convolutions_.back()->weight);
    }
    if (o.stride != 1 || o.input != o.output()) {
      downsample_->push_back(convolution(o.input, o.output(), 1, o.stride, 1, folded()));
      if (!folded()) downsample_->push_back(normalisation_layer(normalisation_, o.output()));
      register_module("downsample", downsample_);
    }
  }

  /// x [B, C, H, W]; `conditioner` may be null.
  Tensor forward(const Tensor& x, nn::BlockConditioner* conditioner) {
    const auto updated = [&](std::size_t i) {
      return conditioner != nullptr && i == kConditionedConvolution &&
             conditioner->updates_convolution();
    };
    Tensor y = x;
    const std::size_t last = convolutions_.size() - 1;
    for (std::size_t i = 0; i < last; ++i) {
      y = updated(i) ? torch::relu(conditioned(i, y, *conditioner))
                     : convolve_relu(*convolutions_[i], norm(i), y);
    }
    if (updated(last)) {
      y = torch::relu(conditioned(last, y, *conditioner) + shortcut(x));
    } else {
      y = last_convolution(x, y);
    }
    return conditioner == nullptr ? y : conditioner->block(x, y);
  }

 private:
  bool folded() const { return normalisation_ == Normalisation::kFolded; }

  std::shared_ptr<torch::nn::Module> norm(std::size_t i) const {
    return folded() ? nullptr : norms_[i].ptr();
  }

  Tensor conditioned(std::size_t i, const Tensor& x, nn::BlockConditioner& conditioner) {
    const Tensor y = conditioner.convolution(x, convolutions_[i](x));
    return folded() ? y : norms_[i].forward(y);
  }

  Tensor shortcut(const Tensor& x) {
    if (downsample_->is_empty()) return x;
    return convolve(*downsample_[0]->as<torch::nn::Conv2d>(),
                    folded() ? nullptr : downsample_->ptr(1), x);
  }

  /// relu(the last convolution of y + the shortcut of x).
  Tensor last_convolution(const Tensor& x, const Tensor& y) {
    const std::size_t last = convolutions_.size() - 1;
    auto* frozen = fusible(norm(last), x);
    if (frozen == nullptr) {
      return torch::relu(convolve(*convolutions_[last], norm(last), y) + shortcut(x));
    }
    if (downsample_->is_empty()) {
      return frozen->relu_of_convolution(*convolutions_[last], y, frozen->shift(), shortcut(x));
    }
    // Both shifts in one, so that the shortcut's is no pass of its own.
    const auto& of_shortcut = *downsample_[1]->as<nn::FrozenBatchNorm2d>();
    const auto& layer = *downsample_[0]->as<torch::nn::Conv2d>();
    return frozen->relu_of_convolution(*convolutions_[last], y,
                                       frozen->shift() + of_shortcut.shift(),
                                       output_of(layer, of_shortcut.scaled(layer.weight), x));
  }

  void add_convolution(const torch::nn::Conv2d& layer) {
    const std::size_t number = convolutions_.size() + 1;
    convolutions_.push_back(register_module(fmt::format("conv{}", number), layer));
    if (!folded()) {
      norms_.push_back(normalisation_layer(normalisation_, layer->options.out_channels()));
      register_module(fmt::format("bn{}", number), norms_.back().ptr());
    }
  }

  Normalisation normalisation_;
  std::vector<torch::nn::Conv2d> convolutions_;
  std::vector<torch::nn::AnyModule> norms_;
  torch::nn::Sequential downsample_;
};

}  // namespace

std::vector<BlockShape> block_shapes(const ResNetConfig& config) {
  const Architecture& architecture = architecture_of(config.depth);
  std::vector<BlockShape> shapes;
  std::int64_t channels = config.width;
  for (std::int64_t stage = 1; stage <= config.stages; ++stage) {
    const bool dilated = config.dilation && stage == 4;
    const std::int64_t count = architecture.blocks[static_cast<std::size_t>(stage) - 1];
    for (std::int64_t i = 0; i < count; ++i) {
      // torchvision dilates from the second block on; the first keeps the previous dilation.
      shapes.push_back({.stage = stage,
                        .index = i,
                        .bottleneck = architecture.bottleneck,
                        .input = channels,
                        .width = config.width << (stage - 1),
                        .stride = i == 0 && stage > 1 && !dilated ? 2 : 1,
                        .dilation = dilated && i > 0 ? 2 : 1,
                        .conditioned = stage > 1 && i + 1 == count});
      channels = shapes.back().output();
    }
  }
  return shapes;
}

std::vector<conditioning::BlockSite> block_sites(const std::vector<BlockShape>& blocks) {
  std::vector<conditioning::BlockSite> sites;
  for (const BlockShape& block : blocks) {
    if (!block.conditioned) continue;
    sites.push_back({fmt::format("backbone.layer{}", block.stage), block.output(), block.width});
  }
  return sites;
}

ResNetImpl::ResNetImpl(const ResNetConfig& config) : normalisation_(config.normalisation) {
  const bool folded = config.normalisation == Normalisation::kFolded;
  conv1_ = register_module(
      "conv1", torch::nn::Conv2d(
                   torch::nn::Conv2dOptions(3, config.width, 7).stride(2).padding(3).bias(folded)));
  torch::nn::init::kaiming_normal_(conv1_->weight, 0.0, torch::kFanOut, torch::kReLU);
  if (!folded) {
    bn1_ = normalisation_layer(config.normalisation, config.width);
    register_module("bn1", bn1_.ptr());
  }

  const std::vector<BlockShape> blocks = block_shapes(config);
  stages_.resize(static_cast<std::size_t>(config.stages));
  for (const BlockShape& shape : blocks) {
    stages_[static_cast<std::size_t>(shape.stage) - 1]->push_back(
        std::make_shared<Block>(shape, config.normalisation));
  }
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    register_module(fmt::format("layer{}", i + 1), stages_[i]);
  }
  channels_ = blocks.back().output();
  freeze(config.frozen_stages);
}

void ResNetImpl::freeze(std::int64_t stages) {
  if (stages == 0) return;
  frozen_.push_back(conv1_.ptr());
  if (!bn1_.is_empty()) frozen_.push_back(bn1_.ptr());
  for (std::int64_t i = 0; i < std::min<std::int64_t>(stages, stages_.size()); ++i) {
    frozen_.push_back(stages_[i].ptr());
  }
  for (const auto& module : frozen_) {
    for (Tensor& parameter : module->parameters()) parameter.set_requires_grad(false);
  }
}

void ResNetImpl::train(bool on) {
  Module::train(on);
  // Batch norm would go on counting in what is not to change.
  for (const auto& module : frozen_) module->eval();
}

Tensor ResNetImpl::forward(const Tensor& images, const TextFeatures& text,
                           conditioning::Conditioning* conditioning) {
  Tensor x = convolve_relu(*conv1_, bn1_.is_empty() ? nullptr : bn1_.ptr(), images);
  x = torch::max_pool2d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    const std::size_t last = stages_[stage]->size() - 1;
    for (std::size_t i = 0; i <= last; ++i) {
      const bool conditioned = conditioning != nullptr && stage > 0 && i == last;
      const auto run = [=, this](const std::vector<Tensor>& in) {
        std::unique_ptr<nn::BlockConditioner> conditioner;
        if (conditioned) {
          conditioner = conditioning->block(static_cast<std::int64_t>(stage) - 1,
                                            {in[1], text.padding, in[2]});
        }
        return stages_[stage][i]->as<Block>()->forward(in[0], conditioner.get());
      };
      // Batch norm would count what it saw a second time.
      x = normalisation_ == Normalisation::kBatch ? run({x, text.tokens, text.mean})
          : conditioned                           ? nn::forgetting(run, {x, text.tokens, text.mean})
                                                  : nn::forgetting(run, {x});
    }
    probe("visual_encoder.backbone.layer", static_cast<std::int64_t>(stage) + 1, x);
  }
  return x;
}

}  // namespace referent::encoders
