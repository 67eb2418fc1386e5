// SPDX-License-Identifier: Apache-2.0
#include "families.h"

namespace referent::checkpoint::maps {

NameRules vg_law() {
  return {
      .rules =
          {
              {"text_encoder.", "text_encoder.bert."},
              {"visual_encoder.", "visual_encoder."},
              {"weight_generator.", "conditioning."},
              {"ada_gap.", "decoder."},
              {"bbox_pred.layers.*.", "box_head.layers.*."},
              {"up_sample.", "mask_head."},
          },
      .ignored = {"text_encoder.embeddings.position_ids"},
      .ignored_suffixes = {},
      .old_suffixes = {},
  };
}

}  // namespace referent::checkpoint::maps
