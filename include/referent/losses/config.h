// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <utility>

#include "referent/config/field.h"

namespace referent::losses {

enum class BoxLoss { kL1, kSmoothL1 };
enum class Overlap { kIou, kGiou, kDiou, kCiou };

struct LossConfig {
  BoxLoss box = BoxLoss::kL1;
  double box_weight = 1.0;
  Overlap overlap = Overlap::kGiou;
  double giou_weight = 1.0;
  double focal_weight = 1.0;
  double dice_weight = 1.0;

  template <class V>
  void visit(V& v) {
    v.field("box", box,
            "Regression loss on cx, cy, w, h: L1 as released, or smooth L1 (beta 1) as MMCA's "
            "paper says.");
    v.field("box_weight", box_weight, "Weight of the regression loss.", config::at_least(0));
    v.field("overlap", overlap, "What the second box loss takes from 1; all models publish GIoU.");
    v.field("giou_weight", giou_weight, "Weight of 1 - overlap, GIoU by default.",
            config::at_least(0));
    v.field("focal_weight", focal_weight,
            "Weight of the masks' focal loss: 1 in VG-LAW's code, 4 in its paper.",
            config::at_least(0));
    v.field("dice_weight", dice_weight,
            "Weight of the masks' dice loss: 1 in VG-LAW's code, 4 in its paper.",
            config::at_least(0));
  }
};

}  // namespace referent::losses

template <>
struct referent::config::EnumNames<referent::losses::BoxLoss> {
  static constexpr std::array kNames{std::pair{referent::losses::BoxLoss::kL1, "l1"},
                                     std::pair{referent::losses::BoxLoss::kSmoothL1, "smooth_l1"}};
};
template <>
struct referent::config::EnumNames<referent::losses::Overlap> {
  static constexpr std::array kNames{std::pair{referent::losses::Overlap::kIou, "iou"},
                                     std::pair{referent::losses::Overlap::kGiou, "giou"},
                                     std::pair{referent::losses::Overlap::kDiou, "diou"},
                                     std::pair{referent::losses::Overlap::kCiou, "ciou"}};
};
