// SPDX-License-Identifier: Apache-2.0
#include "referent/losses/grounding_losses.h"

#include "referent/losses/box_losses.h"
#include "referent/losses/mask_losses.h"

namespace referent::losses {
namespace {

/// In float32 at least: reduced precision is too coarse for corners and for sums over pixels.
Tensor widened(const Tensor& x) {
  return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32);
}

void add(Losses& losses, const std::string& name, double weight, const Tensor& loss) {
  const Tensor weighted = weight * loss;
  losses.total = losses.total.defined() ? losses.total + weighted : weighted;
  losses.parts.emplace_back(name, loss);
}

void add_box_losses(const LossConfig& config, const Output& output, const Batch& batch,
                    Losses& losses) {
  const Tensor predicted = widened(output.boxes.squeeze(1));
  const Tensor target = batch.boxes.to(predicted.dtype());
  const auto count = static_cast<double>(predicted.size(0));
  const Tensor overlap = box_overlap(config.overlap, predicted, target);
  add(losses, "box", config.box_weight, regression_loss(config.box, predicted, target) / count);
  add(losses, "giou", config.giou_weight, (1 - overlap).sum() / count);
}

void add_mask_losses(const LossConfig& config, const Output& output, const Batch& batch,
                     Losses& losses) {
  // Without a mask in the batch there is nothing to learn, but the losses keep their graph.
  Tensor focal = 0 * output.mask_logits.flatten()[0];
  Tensor dice = focal;
  if (batch.masks.defined()) {
    const Tensor rows = batch.has_mask.nonzero().squeeze(1);
    const Tensor logits = widened(output.mask_logits).squeeze(1).index_select(0, rows);
    const Tensor targets = batch.masks.index_select(0, rows).to(logits.dtype());
    focal = focal_loss(logits, targets);
    dice = dice_loss(logits, targets);
  }
  add(losses, "focal", config.focal_weight, focal);
  add(losses, "dice", config.dice_weight, dice);
}

}  // namespace

Losses grounding_losses(const LossConfig& config, const Output& output, const Batch& batch) {
  Losses losses;
  if (output.boxes.defined()) add_box_losses(config, output, batch, losses);
  if (output.mask_logits.defined()) add_mask_losses(config, output, batch, losses);
  return losses;
}

}  // namespace referent::losses
