// SPDX-License-Identifier: Apache-2.0
#include "resnet.h"

#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros_like.h>

#include <array>

namespace referent::inference {
namespace {

using encoders::kConditionedConvolution;
using encoders::Normalisation;
using torch::Tensor;

constexpr double kNormEpsilon = 1e-5;

/// The side of a map after a layer of stride 2, which rounds up.
std::int64_t halved(std::int64_t side) {
  return (side + 1) / 2;
}

/// A convolution whose normalisation is folded into it.
struct Folded {
  Tensor weight;
  Tensor bias;
  Tensor scale;  ///< [M], what the normalisation multiplied by; ones where there was none
};

Folded fold(const Weights& convolution, const Weights& norm, torch::IntArrayRef shape,
            Normalisation normalisation) {
  const Tensor weight = convolution.get("weight", shape);
  const std::int64_t channels = shape[0];
  if (normalisation == Normalisation::kFolded) {
    return {weight, convolution.get("bias", {channels}), weight.new_ones({channels})};
  }
  if (normalisation == Normalisation::kBatch) norm.pass_over("num_batches_tracked");
  const Tensor variance = norm.get("running_var", {channels});
  const Tensor scale = norm.get("weight", {channels}) * at::rsqrt(variance + kNormEpsilon);
  const Tensor bias = norm.get("bias", {channels}) - norm.get("running_mean", {channels}) * scale;
  return {weight * scale.view({-1, 1, 1, 1}), bias, scale};
}

}  // namespace

FrozenResNet::FrozenResNet(const Weights& weights, const encoders::ResNetConfig& config,
                           const FrozenConditioning* conditioning, std::int64_t image_size,
                           const Target& target) {
  constexpr std::int64_t kStemKernel = 7;
  const Folded stem = fold(weights["conv1"], weights["bn1"],
                           {config.width, 3, kStemKernel, kStemKernel}, config.normalisation);
  stem_.emplace(
      stem.weight, stem.bias,
      FrozenConvolution::Options{.side = image_size, .stride = 2, .padding = 3, .relu = true},
      target);
  std::int64_t side = halved(halved(image_size));  // by the stem and its pooling
  for (const encoders::BlockShape& shape : encoders::block_shapes(config)) {
    blocks_.push_back(make_block(weights[shape.name()], shape, config.normalisation,
                                 shape.conditioned ? conditioning : nullptr, side, target));
    if (shape.stride == 2) side = halved(side);
    channels_ = shape.output();
  }
}

FrozenResNet::Block FrozenResNet::make_block(const Weights& weights,
                                             const encoders::BlockShape& shape,
                                             Normalisation normalisation,
                                             const FrozenConditioning* conditioning,
                                             std::int64_t side, const Target& target) {
  struct Layer {
    std::int64_t input, output, kernel, stride, dilation;
  };
  std::vector<Layer> layers;
  if (shape.bottleneck) {
    layers = {{shape.input, shape.width, 1, 1, 1},
              {shape.width, shape.width, 3, shape.stride, shape.dilation},
              {shape.width, shape.output(), 1, 1, 1}};
  } else {
    layers = {{shape.input, shape.width, 3, shape.stride, shape.dilation},
              {shape.width, shape.width, 3, 1, shape.dilation}};
  }
  Block block;
  const std::int64_t block_side = side;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = layers[i];
    const Folded folded =
        fold(weights[fmt::format("conv{}", i + 1)], weights[fmt::format("bn{}", i + 1)],
             {layer.output, layer.input, layer.kernel, layer.kernel}, normalisation);
    bool relu = true;
    if (conditioning != nullptr && i == kConditionedConvolution) {
      block.update = conditioning->block(shape.stage - 2, folded.scale, side);
      // Then the update ends with the activation.
      relu = !block.update || block.update->of_block();
    }
    block.convolutions.emplace_back(
        folded.weight, folded.bias,
        FrozenConvolution::Options{.side = side,
                                   .stride = layer.stride,
                                   .padding = layer.kernel / 2 * layer.dilation,
                                   .dilation = layer.dilation,
                                   .relu = relu},
        target);
    if (layer.stride == 2) side = halved(side);
  }
  if (shape.stride != 1 || shape.input != shape.output()) {
    const Weights downsample = weights["downsample"];
    const Folded folded =
        fold(downsample["0"], downsample["1"], {shape.output(), shape.input, 1, 1}, normalisation);
    block.downsample.emplace(folded.weight, folded.bias,
                             FrozenConvolution::Options{.side = block_side, .stride = shape.stride},
                             target);
  }
  return block;
}

void FrozenResNet::advance(Shared& shared) const {
  for (; shared.next < blocks_.size(); ++shared.next) {
    const Block& block = blocks_[shared.next];
    const std::vector<FrozenConvolution>& convolutions = block.convolutions;
    const bool of_convolution = block.update && !block.update->of_block();
    // A map is overwritten by the sum that it is the shortcut of, so whatever else reads it is
    // first.
    if (block.update && block.update->of_block()) shared.update = block.update->share(shared.x);
    const Tensor shortcut = block.downsample ? (*block.downsample)(shared.x) : shared.x;
    Tensor y = shared.x;
    for (std::size_t i = 0; i < convolutions.size(); ++i) {
      const bool updated = of_convolution && i == kConditionedConvolution;
      if (updated) shared.update = block.update->share(y);
      y = i + 1 == convolutions.size() ? convolutions[i].onto(shortcut, y) : convolutions[i](y);
      if (updated) break;
    }
    if (block.update) {
      shared.x = shortcut;
      shared.sum = y;
      return;
    }
    shared.x = y;
  }
}

FrozenResNet::Shared FrozenResNet::share(const Tensor& images) const {
  Shared shared;
  shared.x = at::max_pool2d((*stem_)(images), /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
  advance(shared);
  return shared;
}

Tensor FrozenResNet::finish(const Shared& shared, const TextFeatures& text, Reuse reuse) const {
  Shared state = shared;
  if (reuse == Reuse::kAgain) {
    // The rest writes into both.
    state.x = state.x.clone();
    if (state.sum.defined()) state.sum = state.sum.clone();
  }
  while (state.next < blocks_.size()) {
    const Block& block = blocks_[state.next];
    const Tensor sum = block.update->onto(state.sum, *state.update, text);
    const bool last_waits =
        !block.update->of_block() && kConditionedConvolution + 1 < block.convolutions.size();
    state.x = last_waits ? block.convolutions.back().onto(state.x, sum) : sum;
    ++state.next;
    advance(state);
  }
  return state.x;
}

}  // namespace referent::inference
