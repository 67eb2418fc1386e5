// SPDX-License-Identifier: Apache-2.0
#include "families.h"

namespace referent::checkpoint::maps {

NameRules resnet() {
  return {
      .rules =
          {
              {"conv1.", "visual_encoder.backbone.conv1."},
              {"bn1.", "visual_encoder.backbone.bn1."},
              {"layer*.", "visual_encoder.backbone.layer*."},
          },
      .ignored = {"fc."},
      .ignored_suffixes = {".num_batches_tracked"},
      .old_suffixes = {},
  };
}

}  // namespace referent::checkpoint::maps
