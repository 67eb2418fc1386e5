// SPDX-License-Identifier: Apache-2.0
#include "families.h"

namespace referent::checkpoint::maps {

NameRules vitdet() {
  return {
      .rules = {{"backbone.net.", "visual_encoder."}},
      .ignored = {"backbone.simfp_*.", "proposal_generator.", "roi_heads.", "pixel_mean",
                  "pixel_std"},
      .ignored_suffixes = {},
      .old_suffixes = {},
  };
}

}  // namespace referent::checkpoint::maps
