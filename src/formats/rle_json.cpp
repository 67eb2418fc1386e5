// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/rle_json.h"

#include <nlohmann/json.hpp>

namespace referent::formats {

nlohmann::ordered_json rle_json(const Rle& rle) {
  return {{"size", {rle.height, rle.width}}, {"counts", encode_rle_counts(rle.counts)}};
}

}  // namespace referent::formats
