// SPDX-License-Identifier: Apache-2.0
#include "families.h"

namespace referent::checkpoint::maps {

NameRules transvg() {
  return {
      .rules =
          {
              {"textmodel.bert.", "text_encoder.bert."},
              {"text_proj.", "text_encoder.text_proj."},
              {"visumodel.backbone.0.body.", "visual_encoder.backbone."},
              {"visumodel.input_proj.", "visual_encoder.input_proj."},
              {"visumodel.transformer.encoder.layers.*.", "visual_encoder.encoder.layers.*."},
              {"visu_proj.", "decoder.visu_proj."},
              {"reg_token.weight", "decoder.reg_token.weight"},
              {"vl_pos_embed.weight", "decoder.vl_pos_embed.weight"},
              {"vl_transformer.encoder.layers.*.", "decoder.layers.*."},
              {"bbox_embed.layers.*.", "box_head.layers.*."},
          },
      .ignored = {"textmodel.bert.embeddings.position_ids"},
      .ignored_suffixes = {".num_batches_tracked"},
      .old_suffixes = {{".LayerNorm.gamma", ".LayerNorm.weight"},
                       {".LayerNorm.beta", ".LayerNorm.bias"}},
  };
}

}  // namespace referent::checkpoint::maps
