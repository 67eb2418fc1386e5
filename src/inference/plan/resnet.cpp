// SPDX-License-Identifier: Apache-2.0
#include "resnet.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/rsqrt.h>

#include <array>

#include "gpu_kernels.h"

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

/// Input channels of the stem over blocks, rounded up to what tensor cores read at once.
constexpr std::int64_t kBlockChannels = 16;

/// The 7x7 weight [M, 3, 7, 7] over 2 x 2 blocks: [M, kBlockChannels, 4, 4]. A first row and column
/// of zeros make it 8x8.
Tensor over_blocks(const Tensor& weight) {
  const Tensor blocks = at::constant_pad_nd(weight, {1, 0, 1, 0})
                            .unflatten(3, {4, 2})
                            .unflatten(2, {4, 2})         // [M, 3, 4, 2, 4, 2]
                            .permute({0, 1, 3, 5, 2, 4})  // as pixel_unshuffle orders channels
                            .flatten(1, 3);               // [M, 12, 4, 4]
  return at::constant_pad_nd(blocks, {0, 0, 0, 0, 0, kBlockChannels - blocks.size(1)});
}

/// images [B, 3, H, W] to blocks [B, kBlockChannels, ceil(H / 2) + 3, ceil(W / 2) + 3], padded so
/// that a 4x4 convolution gives the map of the 7x7 one of stride 2 and padding 3.
Tensor to_blocks(const Tensor& images) {
  constexpr std::int64_t kBefore = 4;
  const auto after = [](std::int64_t side) { return 2 + side % 2; };
  const auto count = [&](std::int64_t side) { return (kBefore + side + after(side)) / 2; };
  if (auto fused = fused_blocks(images, kBefore, count(images.size(2)), count(images.size(3)))) {
    return *fused;
  }
  const Tensor padded =
      at::constant_pad_nd(images, {kBefore, after(images.size(3)), kBefore, after(images.size(2))});
  const Tensor blocks = at::pixel_unshuffle(padded, 2);
  return at::constant_pad_nd(blocks, {0, 0, 0, 0, 0, kBlockChannels - blocks.size(1)})
      .contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

FrozenStem::FrozenStem(const Tensor& weight, const Tensor& bias, std::int64_t image_size,
                       const Target& target)
    : by_blocks_(target.device.is_cuda() && c10::elementSize(target.dtype) == 2),
      convolution_(by_blocks_ ? over_blocks(weight) : weight, bias,
                   by_blocks_ ? FrozenConvolution::Options{.side = image_size / 2, .relu = true}
                              : FrozenConvolution::Options{.side = image_size,
                                                           .stride = 2,
                                                           .padding = 3,
                                                           .relu = true},
                   target) {}

Tensor FrozenStem::operator()(const Tensor& images) const {
  const Tensor map = convolution_(by_blocks_ ? to_blocks(images) : images);
  if (auto pooled = fused_max_pool(map)) return *pooled;
  return at::max_pool2d(map, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
}

FrozenResNet::FrozenResNet(const Weights& weights, const encoders::ResNetConfig& config,
                           const FrozenConditioning* conditioning, std::int64_t image_size,
                           const Target& target) {
  constexpr std::int64_t kStemKernel = 7;
  const Folded stem = fold(weights["conv1"], weights["bn1"],
                           {config.width, 3, kStemKernel, kStemKernel}, config.normalisation);
  stem_.emplace(stem.weight, stem.bias, image_size, target);
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
  // Both ends of a block are added up, so one bias does for them.
  Tensor shortcut_bias;
  if (shape.stride != 1 || shape.input != shape.output()) {
    const Weights downsample = weights["downsample"];
    const Folded folded =
        fold(downsample["0"], downsample["1"], {shape.output(), shape.input, 1, 1}, normalisation);
    block.downsample.emplace(folded.weight, Tensor(),
                             FrozenConvolution::Options{.side = side, .stride = shape.stride},
                             target);
    shortcut_bias = folded.bias;
  }
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
    const bool ends = shortcut_bias.defined() && i + 1 == layers.size();
    block.convolutions.emplace_back(
        folded.weight, ends ? folded.bias + shortcut_bias : folded.bias,
        FrozenConvolution::Options{.side = side,
                                   .stride = layer.stride,
                                   .padding = layer.kernel / 2 * layer.dilation,
                                   .dilation = layer.dilation,
                                   .relu = relu},
        target);
    if (layer.stride == 2) side = halved(side);
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
      if (updated) shared.update = block.update.value().share(y);
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
  shared.x = stem_.value()(images);
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
    const auto& update = block.update.value();
    const Tensor sum = update.onto(state.sum, state.update.value(), text);
    const bool last_waits =
        !update.of_block() && kConditionedConvolution + 1 < block.convolutions.size();
    state.x = last_waits ? block.convolutions.back().onto(state.x, sum) : sum;
    ++state.next;
    advance(state);
  }
  return state.x;
}

}  // namespace referent::inference
