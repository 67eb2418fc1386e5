// SPDX-License-Identifier: Apache-2.0
#include "families.h"

namespace referent::checkpoint::maps {

NameRules detr() {
  return {
      .rules =
          {
              {"backbone.0.body.", "visual_encoder.backbone."},
              {"input_proj.", "visual_encoder.input_proj."},
              {"transformer.encoder.layers.*.", "visual_encoder.encoder.layers.*."},
          },
      .ignored = {"transformer.decoder.", "class_embed.", "bbox_embed.", "query_embed."},
      .ignored_suffixes = {".num_batches_tracked"},
      .old_suffixes = {},
  };
}

}  // namespace referent::checkpoint::maps
