// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/encoders/visual_encoder.h"

namespace referent::encoders {

/// DETR's half without queries (Carion et al. 2020).
std::shared_ptr<VisualEncoder> make_detr_encoder(const VisualEncoderConfig& config);

}  // namespace referent::encoders
