// SPDX-License-Identifier: Apache-2.0
#include "families.h"

namespace referent::checkpoint::maps {

NameRules mae() {
  return {
      .rules =
          {
              {"pos_embed", "visual_encoder.pos_embed"},
              {"patch_embed.", "visual_encoder.patch_embed."},
              {"blocks.*.", "visual_encoder.blocks.*."},
          },
      // The class token, the norm behind the last block, the decoder and classifiers.
      .ignored = {"cls_token", "norm.", "fc_norm.", "head.", "mask_token", "decoder_embed.",
                  "decoder_pos_embed", "decoder_blocks.", "decoder_norm.", "decoder_pred."},
      .ignored_suffixes = {},
      .old_suffixes = {},
  };
}

}  // namespace referent::checkpoint::maps
