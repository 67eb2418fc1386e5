// SPDX-License-Identifier: Apache-2.0
#include "referent/encoders/visual_encoder.h"

#include "detr_encoder.h"
#include "referent/encoders/resnet.h"
#include "vitdet_encoder.h"

namespace referent::encoders {

std::shared_ptr<VisualEncoder> make_visual_encoder(const VisualEncoderConfig& config,
                                                   std::int64_t image_size) {
  return config.type == "vitdet" ? make_vitdet_encoder(config.vit, image_size)
                                 : make_detr_encoder(config);
}

VisualShape visual_shape(const VisualEncoderConfig& config, std::int64_t image_size) {
  if (config.type == "vitdet") {
    const std::int64_t side = image_size / config.vit.patch;
    return {{{}, "blocks", config.vit.layers, config.vit.width}, config.vit.width, side * side};
  }
  const nn::TransformerConfig& transformer = config.transformer;
  // Every stride-2 layer of a ResNet rounds up.
  const std::int64_t stride = config.backbone.stride();
  const std::int64_t side = (image_size + stride - 1) / stride;
  return {{block_sites(block_shapes(config.backbone)), "encoder.layers", transformer.layers,
           transformer.width},
          transformer.width,
          side * side};
}

torch::Tensor cell_padding(const torch::Tensor& image_padding, std::int64_t height,
                           std::int64_t width) {
  return at::upsample_nearest2d(image_padding.unsqueeze(1).to(torch::kFloat32), {height, width})
      .squeeze(1)
      .to(torch::kBool);
}

}  // namespace referent::encoders
