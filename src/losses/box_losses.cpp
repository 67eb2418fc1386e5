// SPDX-License-Identifier: Apache-2.0
#include "referent/losses/box_losses.h"

namespace referent::losses {

Tensor to_corners(const Tensor& boxes) {
  const auto part = boxes.unbind(-1);
  return torch::stack({part[0] - 0.5 * part[2], part[1] - 0.5 * part[3], part[0] + 0.5 * part[2],
                       part[1] + 0.5 * part[3]},
                      -1);
}

Tensor generalised_iou(const Tensor& a, const Tensor& b) {
  const auto area = [](const Tensor& box) {
    return (box.select(1, 2) - box.select(1, 0)) * (box.select(1, 3) - box.select(1, 1));
  };
  const auto low = [](const Tensor& box) { return box.narrow(1, 0, 2); };
  const auto high = [](const Tensor& box) { return box.narrow(1, 2, 2); };
  const auto extent_area = [](const Tensor& from, const Tensor& to) {
    const Tensor extent = (to - from).clamp_min(0);
    return extent.select(1, 0) * extent.select(1, 1);
  };
  const Tensor inter = extent_area(torch::max(low(a), low(b)), torch::min(high(a), high(b)));
  const Tensor together = area(a) + area(b) - inter;
  const Tensor hull = extent_area(torch::min(low(a), low(b)), torch::max(high(a), high(b)));
  return inter / together - (hull - together) / hull;
}

Losses box_losses(const LossConfig& config, const Output& output, const Batch& batch) {
  // Reduced precision is too coarse for box corners; double stays double.
  Tensor predicted = output.boxes.squeeze(1);
  if (predicted.scalar_type() != torch::kFloat64) predicted = predicted.to(torch::kFloat32);
  const Tensor target = batch.boxes.to(predicted.dtype());
  const auto count = static_cast<double>(predicted.size(0));
  const Tensor box =
      (config.box == BoxLoss::kL1 ? at::l1_loss(predicted, target, at::Reduction::Sum)
                                  : at::smooth_l1_loss(predicted, target, at::Reduction::Sum)) /
      count;
  const Tensor giou =
      (1 - generalised_iou(to_corners(predicted), to_corners(target))).sum() / count;
  return {config.box_weight * box + config.giou_weight * giou, {{"box", box}, {"giou", giou}}};
}

}  // namespace referent::losses
