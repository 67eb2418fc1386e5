// SPDX-License-Identifier: Apache-2.0
#include "families.h"

namespace referent::checkpoint::maps {

NameRules mmca() {
  NameRules rules = transvg();
  // Before TransVG's rules: the adapters lie under the names of its visual encoder.
  const std::vector<NameRule> adapters{
      {"visumodel.transformer.encoder.layers.*.text_linear_q.", "conditioning.encoder.layers.*.q."},
      {"visumodel.transformer.encoder.layers.*.text_linear_k.", "conditioning.encoder.layers.*.k."},
      {"visumodel.backbone.0.multimodal_layers.0.", "conditioning.backbone.layer2."},
      {"visumodel.backbone.0.multimodal_layers.1.", "conditioning.backbone.layer3."},
      {"visumodel.backbone.0.multimodal_layers.2.", "conditioning.backbone.layer4."},
  };
  rules.rules.insert(rules.rules.begin(), adapters.begin(), adapters.end());
  return rules;
}

}  // namespace referent::checkpoint::maps
