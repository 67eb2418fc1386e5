// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "referent/image/draw.h"

namespace referent::image {

/// Lays `color` over the pixel; `coverage` 0 leaves it, 255 replaces it.
inline void blend(std::uint8_t* pixel, Color color, int coverage) {
  const auto mix = [coverage](int below, int above) {
    return static_cast<std::uint8_t>((below * (255 - coverage) + above * coverage + 127) / 255);
  };
  pixel[0] = mix(pixel[0], color.r);
  pixel[1] = mix(pixel[1], color.g);
  pixel[2] = mix(pixel[2], color.b);
}

}  // namespace referent::image
