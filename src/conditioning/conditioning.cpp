// SPDX-License-Identifier: Apache-2.0
#include "referent/conditioning/conditioning.h"

#include "referent/conditioning/law.h"
#include "referent/conditioning/mmca.h"

namespace referent::conditioning {

std::shared_ptr<Conditioning> make_conditioning(const ConditioningConfig& config,
                                                const Sites& sites, std::int64_t text_width) {
  switch (config.type) {
    case Type::kNone:
      return nullptr;
    case Type::kMmca:
      return make_mmca(config, sites, text_width);
    case Type::kLaw:
      return make_law(config, sites, text_width);
  }
  return nullptr;
}

}  // namespace referent::conditioning
