// SPDX-License-Identifier: Apache-2.0
#include "families.h"

namespace referent::checkpoint::maps {

NameRules bert() {
  return {
      .rules =
          {
              {"bert.", "text_encoder.bert."},
              // A file of the bare encoder has no leading "bert.".
              {"embeddings.", "text_encoder.bert.embeddings.", true},
              {"encoder.layer.*.", "text_encoder.bert.encoder.layer.*.", true},
              {"pooler.", "text_encoder.bert.pooler.", true},
          },
      .ignored = {"cls.", "embeddings.position_ids", "bert.embeddings.position_ids"},
      .ignored_suffixes = {},
      .old_suffixes = {{".LayerNorm.gamma", ".LayerNorm.weight"},
                       {".LayerNorm.beta", ".LayerNorm.bias"}},
  };
}

}  // namespace referent::checkpoint::maps
