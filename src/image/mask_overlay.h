// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "referent/image/draw.h"
#include "referent/image/image.h"
#include "referent/image/mask.h"

namespace referent::image {

/// Tints what the mask covers, and draws its outline: `line` pixels of `color` at the inside,
/// `edge` dark ones around them. Needs a mask of the picture's size.
void draw_mask(Image& image, const Mask& mask, Color color, std::int64_t line, std::int64_t edge);

}  // namespace referent::image
