// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "referent/formats/rle.h"
#include "referent/formats/segmentation.h"

namespace referent::formats {

/// {"size": [height, width], "counts": text} as COCO writes a mask; parse_segmentation() reads it.
nlohmann::ordered_json rle_json(const Rle& rle);

/// What parse_segmentation() reads back: polygons, run lengths, or [] where there are none.
nlohmann::ordered_json segmentation_json(const Segmentation& segmentation);

}  // namespace referent::formats
