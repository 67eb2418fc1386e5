// SPDX-License-Identifier: Apache-2.0
#include "referent/losses/box_losses.h"

#include <numbers>

namespace referent::losses {
namespace {

using torch::Tensor;

constexpr double kLeastUnion = 1e-6;
constexpr double kShapeEpsilon = 1e-6;

/// Pairs of boxes by their parts, [N, 2] each, x before y.
struct Boxes {
  explicit Boxes(const Tensor& boxes)
      : centre(boxes.narrow(1, 0, 2)),
        extent(boxes.narrow(1, 2, 2)),
        low(centre - 0.5 * extent),
        high(centre + 0.5 * extent) {}

  Tensor centre, extent, low, high;
};

Tensor area(const Tensor& extent) {
  return extent.select(1, 0) * extent.select(1, 1);
}

/// CIoU's penalty for another aspect ratio.
Tensor shape_penalty(const Boxes& a, const Boxes& b, const Tensor& iou) {
  constexpr double kScale = 4 / (std::numbers::pi * std::numbers::pi);
  const auto angle = [](const Boxes& box) {
    return (box.extent.select(1, 0) / box.extent.select(1, 1)).atan();
  };
  const Tensor v = kScale * (angle(a) - angle(b)).square();
  return v * v / (1 - iou + v + kShapeEpsilon);
}

}  // namespace

Tensor box_overlap(Overlap overlap, const Tensor& first, const Tensor& second) {
  const Boxes a(first);
  const Boxes b(second);
  const Tensor inter = area((torch::min(a.high, b.high) - torch::max(a.low, b.low)).clamp_min(0));
  const Tensor together = area(a.extent) + area(b.extent) - inter;
  Tensor iou = inter / together.clamp_min(kLeastUnion);
  if (overlap == Overlap::kIou) return iou;
  const Tensor hull = (torch::max(a.high, b.high) - torch::min(a.low, b.low)).clamp_min(0);
  if (overlap == Overlap::kGiou) return iou - (area(hull) - together) / area(hull);
  const Tensor diou = iou - (a.centre - b.centre).square().sum(1) / hull.square().sum(1);
  return overlap == Overlap::kDiou ? diou : diou - shape_penalty(a, b, iou);
}

Tensor regression_loss(BoxLoss loss, const Tensor& predicted, const Tensor& target) {
  return loss == BoxLoss::kL1 ? at::l1_loss(predicted, target, at::Reduction::Sum)
                              : at::smooth_l1_loss(predicted, target, at::Reduction::Sum);
}

}  // namespace referent::losses
