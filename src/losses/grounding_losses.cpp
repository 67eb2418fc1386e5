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

std::string name_of(Overlap overlap) {
  for (const auto& [value, name] : config::EnumNames<Overlap>::kNames) {
    if (value == overlap) return name;
  }
  return {};
}

void add_box_losses(const LossConfig& config, const Output& output, const Batch& batch,
                    Losses& losses) {
  const Tensor predicted = widened(output.boxes.squeeze(1));
  const Tensor target = batch.boxes.to(predicted.dtype());
  const auto count = static_cast<double>(predicted.size(0));
  const Tensor overlap = box_overlap(config.overlap, predicted, target);
  add(losses, "box", config.box_weight, regression_loss(config.box, predicted, target) / count);
  add(losses, name_of(config.overlap), config.giou_weight, (1 - overlap).sum() / count);
}

void add_mask_losses(const LossConfig& config, const Output& output, const Batch& batch,
                     Losses& losses) {
  const Tensor rows = batch.has_mask.nonzero().squeeze(1);
  const Tensor logits = widened(output.mask_logits).squeeze(1).index_select(0, rows);
  const Tensor targets = batch.masks.index_select(0, rows).to(logits.dtype());
  add(losses, "focal", config.focal_weight, focal_loss(logits, targets));
  add(losses, "dice", config.dice_weight, dice_loss(logits, targets));
}

}  // namespace

Losses grounding_losses(const LossConfig& config, const Output& output, const Batch& batch) {
  Losses losses;
  if (output.boxes.defined()) add_box_losses(config, output, batch, losses);
  if (output.mask_logits.defined() && batch.masks.defined()) {
    add_mask_losses(config, output, batch, losses);
  }
  if (!losses.total.defined()) {
    // Masks are all that the model gives, and no sample has one: nothing to learn.
    losses.total = 0 * widened(output.mask_logits).clamp(-1, 1).sum();
  }
  return losses;
}

}  // namespace referent::losses
