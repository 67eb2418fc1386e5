// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "golden.h"
#include "referent/losses/grounding_losses.h"
#include "referent/metrics/box.h"
#include "referent/metrics/grounding_metrics.h"

namespace referent::app {
namespace {

using nlohmann::json;
using torch::Tensor;

std::array<float, 4> numbers(const json& pair, const char* key) {
  return pair.at(key).get<std::array<float, 4>>();
}

metrics::CenterBox center(const json& pair, const char* key) {
  const auto v = numbers(pair, key);
  return {v[0], v[1], v[2], v[3]};
}

metrics::CornerBox corners(const json& pair, const char* key) {
  const auto v = numbers(pair, key);
  return {v[0], v[1], v[2], v[3]};
}

Tensor row(const std::array<float, 4>& values) {
  return torch::tensor(std::vector<float>(values.begin(), values.end()));
}

/// Boxes of `pairs` as one training batch.
Losses losses_of(const json& pairs, std::size_t first, std::size_t count) {
  std::vector<Tensor> predicted;
  std::vector<Tensor> target;
  for (std::size_t i = first; i < first + count; ++i) {
    predicted.push_back(row(numbers(pairs.at(i), "pred_cxcywh")));
    target.push_back(row(numbers(pairs.at(i), "target_cxcywh")));
  }
  Batch batch;
  batch.boxes = torch::stack(target);
  return losses::grounding_losses({}, {torch::stack(predicted).unsqueeze(1), {}}, batch);
}

}  // namespace

void run_mmca_metrics(const GoldenCase& golden, CaseReport& report) {
  const json& doc = golden.json();
  const Tolerance tolerance = tolerance_of(doc.at("tolerance"));
  const json& pairs = doc.at("pairs");
  std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> columns;
  const auto add = [&](const json& pair, const char* key, double value) {
    // Where the released code gives NaN or refuses there is nothing to compare with.
    if (!pair.contains(key) || !pair.at(key).is_number()) return;
    columns[key].first.push_back(value);
    columns[key].second.push_back(pair.at(key).get<double>());
  };
  std::int64_t wrong_hits = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const json& pair = pairs.at(i);
    add(pair, "bbox_iou", metrics::iou(corners(pair, "pred_xyxy"), corners(pair, "target_xyxy")));
    add(pair, "bbox_iou_center_form",
        metrics::iou(metrics::to_corners(center(pair, "pred_cxcywh")),
                     metrics::to_corners(center(pair, "target_cxcywh"))));
    const float iou =
        metrics::evaluation_iou(center(pair, "pred_cxcywh"), center(pair, "target_cxcywh"));
    add(pair, "eval_iou", iou);
    add(pair, "giou",
        metrics::generalized_iou(corners(pair, "pred_xyxy"), corners(pair, "target_xyxy")));
    wrong_hits += (iou >= metrics::GroundingMetrics::kThresholds[0]) != pair.at("hit").get<bool>();
    const Losses losses = losses_of(pairs, i, 1);
    add(pair, "loss_bbox", losses.parts[0].second.item<double>());
    add(pair, "loss_giou", losses.parts[1].second.item<double>());
  }
  for (const auto& [name, column] : columns) {
    report.compare(fmt::format("{} ({})", name, column.first.size()), torch::tensor(column.first),
                   torch::tensor(column.second), tolerance);
  }
  report.check("hits", wrong_hits == 0, fmt::format("{} hits differ", wrong_hits));

  for (const json& batch : doc.at("batches")) {
    const auto first = batch.at("first").get<std::size_t>();
    const auto count = batch.at("count").get<std::size_t>();
    const std::string name = fmt::format("batch {}", first);
    const Losses losses = losses_of(pairs, first, count);
    const auto compare_loss = [&](const char* key, std::size_t part) {
      if (!batch.at(key).is_number()) return;
      report.compare(name + "." + key, losses.parts[part].second.item<double>(), batch.at(key),
                     tolerance);
    };
    compare_loss("loss_bbox", 0);
    compare_loss("loss_giou", 1);
    metrics::GroundingMetrics counted;
    for (std::size_t i = first; i < first + count; ++i) {
      counted.add(static_cast<std::int64_t>(i),
                  metrics::evaluation_iou(center(pairs.at(i), "pred_cxcywh"),
                                          center(pairs.at(i), "target_cxcywh")));
    }
    report.check(name + ".hits", counted.hits(0.5F) == batch.at("hits").get<std::int64_t>(),
                 fmt::format("got {}", counted.hits(0.5F)));
    report.compare(name + ".accuracy", counted.precision(0.5F), batch.at("accuracy"), {1e-6, 0});
  }
  for (const json& back : doc.at("back")) {
    const auto box = metrics::to_center(corners(back, "xyxy"));
    report.compare("back", row({box.cx, box.cy, box.w, box.h}), row(numbers(back, "cxcywh")),
                   tolerance);
  }
}

}  // namespace referent::app
