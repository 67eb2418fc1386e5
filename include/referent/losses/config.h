// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <utility>

#include "referent/config/field.h"

namespace referent::losses {

enum class BoxLoss { kL1, kSmoothL1 };

struct LossConfig {
  BoxLoss box = BoxLoss::kL1;
  double box_weight = 1.0;
  double giou_weight = 1.0;

  template <class V>
  void visit(V& v) {
    v.field("box", box,
            "Regression loss on cx, cy, w, h: L1 as released, or smooth L1 (beta 1) as MMCA's "
            "paper says.");
    v.field("box_weight", box_weight, "Weight of the regression loss.", config::at_least(0));
    v.field("giou_weight", giou_weight, "Weight of 1 - GIoU.", config::at_least(0));
  }
};

}  // namespace referent::losses

template <>
struct referent::config::EnumNames<referent::losses::BoxLoss> {
  static constexpr std::array kNames{std::pair{referent::losses::BoxLoss::kL1, "l1"},
                                     std::pair{referent::losses::BoxLoss::kSmoothL1, "smooth_l1"}};
};
