// SPDX-License-Identifier: Apache-2.0
#include "detr_encoder.h"

#include "referent/batch/probe.h"
#include "referent/encoders/resnet.h"
#include "referent/nn/encoder_layer.h"
#include "referent/nn/recompute.h"
#include "referent/nn/sine_position.h"

namespace referent::encoders {
namespace {

using torch::Tensor;

/// DETR's half without queries (Carion et al. 2020): a ResNet, a 1x1 projection, sine positions
/// and encoder layers.
class DetrEncoder final : public VisualEncoder {
 public:
  explicit DetrEncoder(const VisualEncoderConfig& config)
      : backbone_(config.backbone),
        input_proj_(torch::nn::Conv2dOptions(backbone_->channels(), config.transformer.width, 1)),
        layers_(nn::make_encoder_layers(config.transformer)) {
    register_module("backbone", backbone_);
    register_module("input_proj", input_proj_);
    register_module("encoder", std::make_shared<Module>())->register_module("layers", layers_);
  }

  VisualFeatures forward(const Tensor& images, const Tensor& image_padding,
                         const TextFeatures& text,
                         conditioning::Conditioning* conditioning) override {
    const Tensor map = input_proj_(backbone_(images, text, conditioning));  // [B, D, h, w]
    probe("visual_encoder.input_proj", map);
    const Tensor padding = cell_padding(image_padding, map.size(2), map.size(3));  // [B, h, w]
    probe("visual_encoder.padding", padding);
    VisualFeatures features;
    features.padding = padding.flatten(1);
    const Tensor position = nn::sine_position(padding, map.size(1)).to(map.dtype());
    probe("visual_encoder.position", position);
    Tensor x = map.flatten(2).transpose(1, 2);  // [B, N, D]
    for (std::size_t i = 0; i < layers_->size(); ++i) {
      const auto layer = [=, this, padding = features.padding](const std::vector<Tensor>& in) {
        std::unique_ptr<nn::LayerConditioner> conditioner;
        if (conditioning != nullptr) {
          conditioner =
              conditioning->layer(static_cast<std::int64_t>(i), {in[1], text.padding, in[2]});
        }
        return layers_[i]->as<nn::EncoderLayer>()->forward(in[0], position, padding,
                                                           conditioner.get());
      };
      x = nn::forgetting(layer, {x, text.tokens, text.mean});
      probe("visual_encoder.encoder.layers", static_cast<std::int64_t>(i), x);
    }
    features.tokens = x;
    features.height = map.size(2);
    features.width = map.size(3);
    return features;
  }

 private:
  ResNet backbone_;
  torch::nn::Conv2d input_proj_;
  torch::nn::ModuleList layers_;
};

}  // namespace

std::shared_ptr<VisualEncoder> make_detr_encoder(const VisualEncoderConfig& config) {
  return std::make_shared<DetrEncoder>(config);
}

}  // namespace referent::encoders
