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
                    std::int64_t samples, Losses& losses) {
  const Tensor predicted = widened(output.boxes.squeeze(1));
  const Tensor target = batch.boxes.to(predicted.dtype());
  const auto count = static_cast<double>(samples);
  const Tensor overlap = box_overlap(config.overlap, predicted, target);
  add(losses, "box", config.box_weight, regression_loss(config.box, predicted, target) / count);
  add(losses, config::name_of(config.overlap), config.giou_weight, (1 - overlap).sum() / count);
}

/// Logits count for the gradient without a value: what they came from was used, but not needed.
Tensor nothing_of(const Tensor& logits) {
  return 0 * widened(logits).clamp(-1, 1).sum();
}

void add_mask_losses(const LossConfig& config, const Output& output, const Batch& batch,
                     std::int64_t masks, Losses& losses) {
  if (!batch.masks.defined()) {  // other pieces of the batch have them
    add(losses, "focal", config.focal_weight, nothing_of(output.mask_logits));
    add(losses, "dice", config.dice_weight, nothing_of(output.mask_logits));
    return;
  }
  const Tensor rows = batch.has_mask.nonzero().squeeze(1);
  const Tensor logits = widened(output.mask_logits).squeeze(1).index_select(0, rows);
  const Tensor targets = batch.masks.index_select(0, rows).to(logits.dtype());
  const double share = static_cast<double>(rows.size(0)) / static_cast<double>(masks);
  add(losses, "focal", config.focal_weight, share * focal_loss(logits, targets));
  add(losses, "dice", config.dice_weight, share * dice_loss(logits, targets));
}

}  // namespace

BatchCounts BatchCounts::of(const Batch& batch) {
  const Tensor& targets = batch.boxes.defined() ? batch.boxes : batch.tokens;
  return {targets.size(0),
          batch.has_mask.defined() ? batch.has_mask.sum().item<std::int64_t>() : 0};
}

Losses grounding_losses(const LossConfig& config, const Output& output, const Batch& batch) {
  return grounding_losses(config, output, batch, BatchCounts::of(batch));
}

Losses grounding_losses(const LossConfig& config, const Output& output, const Batch& batch,
                        const BatchCounts& whole) {
  Losses losses;
  if (output.boxes.defined()) add_box_losses(config, output, batch, whole.samples, losses);
  if (output.mask_logits.defined() && whole.masks > 0) {
    add_mask_losses(config, output, batch, whole.masks, losses);
  }
  if (!losses.total.defined()) {
    // Masks are all that the model gives, and no sample has one: nothing to learn.
    losses.total = nothing_of(output.mask_logits);
  }
  return losses;
}

}  // namespace referent::losses
