// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/encoders/visual_encoder.h"

namespace referent::encoders {

/// ViTDet's backbone (Li et al. 2022) without its feature pyramid. Its relative positions are made
/// for pictures of `image_size` pixels a side; others take them resized. Throws ConfigError where
/// the configuration does not fit together.
std::shared_ptr<VisualEncoder> make_vitdet_encoder(const VitConfig& config,
                                                   std::int64_t image_size);

}  // namespace referent::encoders
