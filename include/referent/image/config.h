// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <utility>

#include "referent/config/field.h"

namespace referent::image {

/// Which pixel of the input pixel i of the output is, with scale = input / output.
enum class MaskResize {
  kPixelCentre,  ///< floor((i + 0.5) * scale): the one under its middle
  kReleased      ///< floor(i * scale), as OpenCV's nearest: half an output pixel up and left
};

}  // namespace referent::image

template <>
struct referent::config::EnumNames<referent::image::MaskResize> {
  static constexpr std::array kNames{
      std::pair{referent::image::MaskResize::kPixelCentre, "pixel_centre"},
      std::pair{referent::image::MaskResize::kReleased, "released"}};
};
