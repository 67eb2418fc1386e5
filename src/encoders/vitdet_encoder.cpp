// SPDX-License-Identifier: Apache-2.0
#include "vitdet_encoder.h"

#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>

#include <algorithm>

#include "referent/batch/probe.h"
#include "referent/core/error.h"
#include "referent/nn/recompute.h"
#include "referent/nn/relative_position.h"
#include "referent/nn/vit_block.h"

namespace referent::encoders {
namespace {

using torch::Tensor;

constexpr double kInitialDeviation = 0.02;

class VitdetEncoder final : public VisualEncoder {
 public:
  VitdetEncoder(const VitConfig& config, std::int64_t image_size)
      : config_(config),
        proj_(torch::nn::Conv2dOptions(3, config.width, config.patch).stride(config.patch)) {
    const std::int64_t side = config.pretrain_size / config.patch;
    // One row more than cells: the class token's, which files of pretrained weights carry.
    pos_embed_ = register_parameter(
        "pos_embed", kInitialDeviation * torch::randn({1, 1 + side * side, config.width}));
    register_module("patch_embed", std::make_shared<Module>())->register_module("proj", proj_);
    register_module("blocks", blocks_);
    for (std::int64_t i = 0; i < config.layers; ++i) blocks_->push_back(make_block(i, image_size));
  }

  VisualFeatures forward(const Tensor& images, const Tensor& image_padding,
                         const TextFeatures& text,
                         conditioning::Conditioning* conditioning) override {
    Tensor x = proj_(images).permute({0, 2, 3, 1});  // [B, h, w, D]
    probe("visual_encoder.patch_embed", x);
    VisualFeatures features;
    features.height = x.size(1);
    features.width = x.size(2);
    x = x + nn::absolute_positions(pos_embed_, /*has_class_token=*/true, x.size(1), x.size(2));
    for (std::size_t i = 0; i < blocks_->size(); ++i) {
      const std::string name = fmt::format("visual_encoder.blocks.{}", i);
      const auto block = [=, this](const std::vector<Tensor>& in) {
        std::unique_ptr<nn::LayerConditioner> conditioner;
        if (conditioning != nullptr) {
          conditioner =
              conditioning->layer(static_cast<std::int64_t>(i), {in[1], text.padding, in[2]});
        }
        return blocks_[i]->as<nn::VitBlock>()->forward(in[0], conditioner.get(), name);
      };
      x = nn::forgetting(block, {x, text.tokens, text.mean});
      probe(name, x);
    }
    features.tokens = x.flatten(1, 2);
    features.padding = cell_padding(image_padding, features.height, features.width).flatten(1);
    return features;
  }

 private:
  nn::VitBlock make_block(std::int64_t index, std::int64_t image_size) const {
    const auto& global = config_.global_layers;
    nn::VitBlockOptions options;
    options.width = config_.width;
    options.heads = config_.heads;
    options.mlp_width = config_.mlp_width();
    const bool everywhere = std::find(global.begin(), global.end(), index) != global.end();
    options.window = everywhere ? 0 : config_.window;
    options.grid = image_size / config_.patch;
    options.norm_epsilon = config_.norm_epsilon;
    if (config_.layers > 1) {
      options.drop_path =
          config_.drop_path * static_cast<double>(index) / static_cast<double>(config_.layers - 1);
    }
    return nn::VitBlock(options);
  }

  VitConfig config_;
  torch::nn::Conv2d proj_;
  Tensor pos_embed_;
  torch::nn::ModuleList blocks_;
};

void check(const VitConfig& config, std::int64_t image_size) {
  if (image_size % config.patch != 0) {
    throw ConfigError("data.image.size {}: expected a multiple of the patches' side, {}",
                      image_size, config.patch);
  }
  if (config.pretrain_size % config.patch != 0) {
    throw ConfigError(
        "model.visual_encoder.vit.pretrain_size {}: expected a multiple of the patches' side, {}",
        config.pretrain_size, config.patch);
  }
  for (const std::int64_t layer : config.global_layers) {
    if (layer < 0 || layer >= config.layers) {
      throw ConfigError(
          "model.visual_encoder.vit.global_layers names block {}, but the {} blocks are numbered "
          "from 0",
          layer, config.layers);
    }
  }
}

}  // namespace

std::shared_ptr<VisualEncoder> make_vitdet_encoder(const VitConfig& config,
                                                   std::int64_t image_size) {
  check(config, image_size);
  return std::make_shared<VitdetEncoder>(config, image_size);
}

}  // namespace referent::encoders
