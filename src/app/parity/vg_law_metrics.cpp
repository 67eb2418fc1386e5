// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include "golden.h"
#include "referent/formats/rle.h"
#include "referent/losses/box_losses.h"
#include "referent/losses/mask_losses.h"
#include "referent/metrics/grounding_metrics.h"
#include "referent/metrics/mask_metrics.h"

namespace referent::app {
namespace {

using losses::Overlap;
using torch::Tensor;

/// Values by the names of the golden's outputs.
using Values = std::map<std::string, Tensor>;

constexpr std::array<std::pair<const char*, Overlap>, 4> kOverlaps{{{"iou", Overlap::kIou},
                                                                    {"giou", Overlap::kGiou},
                                                                    {"diou", Overlap::kDiou},
                                                                    {"ciou", Overlap::kCiou}}};

Tensor scalar(double value) {
  return torch::tensor({static_cast<float>(value)});
}

void box_metrics(const GoldenCase& golden, Values& values) {
  const Tensor predicted = golden.tensor("in.boxes_pred");
  const Tensor target = golden.tensor("in.boxes_gt");
  for (const auto& [name, overlap] : kOverlaps) {
    values[fmt::format("box_{}", name)] = losses::box_overlap(overlap, predicted, target);
  }
  metrics::GroundingMetrics metrics;
  const Tensor& ious = values.at("box_iou");
  for (std::int64_t i = 0; i < ious.size(0); ++i) metrics.add(i, ious[i].item<float>());
  values["box_hits"] = scalar(static_cast<double>(metrics.hits(0.5F)));
  values["box_accuracy"] = scalar(metrics.precision(0.5F));
  values["box_miou"] = scalar(metrics.mean_iou());
}

formats::Rle run_lengths(const Tensor& mask) {
  const Tensor bytes = mask.to(torch::kUInt8).contiguous();
  const auto* data = bytes.const_data_ptr<std::uint8_t>();
  return formats::rle_from_mask({data, static_cast<std::size_t>(bytes.numel())}, bytes.size(0),
                                bytes.size(1));
}

void mask_metrics(const GoldenCase& golden, Values& values) {
  constexpr double kThreshold = 0.35;
  const Tensor predicted = golden.tensor("in.mask_logits").sigmoid().gt(kThreshold).squeeze(1);
  const Tensor target = golden.tensor("in.mask_gt").gt(0).squeeze(1);
  metrics::MaskMetrics metrics;
  std::vector<float> ious;
  for (std::int64_t i = 0; i < predicted.size(0); ++i) {
    const metrics::MaskOverlap overlap =
        metrics::mask_overlap(run_lengths(predicted[i]), run_lengths(target[i]));
    metrics.add(i, overlap);
    ious.push_back(metrics::mask_iou(overlap));
  }
  std::vector<float> precision;
  for (int percent = 50; percent < 100; percent += 5) {
    const auto threshold = static_cast<float>(percent) / 100.0F;
    precision.push_back(static_cast<float>(metrics.precision(threshold)));
  }
  values["mask_pred_pixels"] = predicted.sum({1, 2}).to(torch::kFloat32);
  values["mask_iou"] = torch::tensor(ious);
  values["mask_precision"] = torch::tensor(precision);
  values["miou"] = scalar(metrics.mean_iou());
  values["oiou"] = scalar(metrics.overall_iou());
}

/// A loss and its gradient to `x`.
void add_loss(Values& values, const std::string& name, const Tensor& x,
              const std::function<Tensor(const Tensor&)>& loss) {
  const Tensor leaf = x.clone().requires_grad_();
  const Tensor value = loss(leaf);
  value.backward();
  values["loss." + name] = value.detach().reshape({1});
  values["grad." + name] = leaf.grad();
}

void mask_losses(const GoldenCase& golden, Values& values) {
  const Tensor logits = golden.tensor("in.loss_logits");
  const Tensor targets = golden.tensor("in.loss_targets").to(logits.dtype());
  const std::array<std::pair<const char*, Tensor (*)(const Tensor&, const Tensor&)>, 2> kinds{
      {{"focal", losses::focal_loss}, {"dice", losses::dice_loss}}};
  for (const auto& [name, loss] : kinds) {
    add_loss(values, name, logits, [&](const Tensor& x) { return loss(x, targets); });
    for (std::int64_t i = 0; i < logits.size(0); ++i) {
      values[fmt::format("loss.{}.sample{}", name, i)] =
          loss(logits.narrow(0, i, 1), targets.narrow(0, i, 1)).reshape({1});
    }
  }
}

void box_losses(const GoldenCase& golden, Values& values) {
  const Tensor predicted = golden.tensor("in.loss_boxes_pred");
  const Tensor target = golden.tensor("in.loss_boxes_gt");
  add_loss(values, "l1", predicted, [&](const Tensor& x) {
    return losses::regression_loss(losses::BoxLoss::kL1, x, target) /
           static_cast<double>(x.size(0));
  });
  for (const auto& [name, overlap] : kOverlaps) {
    add_loss(values, name, predicted, [&, overlap = overlap](const Tensor& x) {
      return (1 - losses::box_overlap(overlap, x, target)).mean();
    });
  }
}

}  // namespace

void run_vg_law_metrics(const GoldenCase& golden, CaseReport& report) {
  Values values;
  box_metrics(golden, values);
  mask_metrics(golden, values);
  mask_losses(golden, values);
  box_losses(golden, values);
  for (const auto& entry : golden.json().at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    const auto found = values.find(name);
    if (found == values.end()) {
      report.check(name, false, "there is no metric or loss of this name");
    } else {
      golden.compare_output(report, entry, found->second, vg_law_tolerance(golden, name));
    }
  }
}

}  // namespace referent::app
