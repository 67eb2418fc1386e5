// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/rle_json.h"

#include <nlohmann/json.hpp>

namespace referent::formats {

nlohmann::ordered_json rle_json(const Rle& rle) {
  return {{"size", {rle.height, rle.width}}, {"counts", encode_rle_counts(rle.counts)}};
}

nlohmann::ordered_json segmentation_json(const Segmentation& segmentation) {
  if (segmentation.rle) return rle_json(*segmentation.rle);
  return segmentation.polygons;
}

}  // namespace referent::formats
