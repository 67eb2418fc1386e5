// SPDX-License-Identifier: Apache-2.0
#include "referent/encoders/visual_encoder.h"

#include "detr_encoder.h"
#include "vitdet_encoder.h"

namespace referent::encoders {

std::shared_ptr<VisualEncoder> make_visual_encoder(const VisualEncoderConfig& config,
                                                   std::int64_t image_size) {
  return config.type == "vitdet" ? make_vitdet_encoder(config.vit, image_size)
                                 : make_detr_encoder(config);
}

torch::Tensor cell_padding(const torch::Tensor& image_padding, std::int64_t height,
                           std::int64_t width) {
  return at::upsample_nearest2d(image_padding.unsqueeze(1).to(torch::kFloat32), {height, width})
      .squeeze(1)
      .to(torch::kBool);
}

}  // namespace referent::encoders
