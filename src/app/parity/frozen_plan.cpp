// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "golden.h"
#include "referent/inference/plan.h"
#include "referent/metrics/box.h"

namespace referent::app {
namespace {

using torch::Tensor;

/// `count` samples: the batch's in turn, so that neighbours differ in padding and length.
Batch repeated(const Batch& batch, std::int64_t count) {
  const Tensor which = torch::arange(count).remainder(batch.size());
  const auto pick = [&](const Tensor& x) { return x.index_select(0, which); };
  Batch result;
  result.images = pick(batch.images).contiguous(torch::MemoryFormat::ChannelsLast);
  result.image_padding = pick(batch.image_padding);
  result.tokens = pick(batch.tokens);
  result.token_padding = pick(batch.token_padding);
  return result;
}

/// The least IoU between rows of boxes cx, cy, w, h [B, 4].
float least_iou(const Tensor& a, const Tensor& b) {
  const auto corners = [](const Tensor& x) {
    const auto* v = x.const_data_ptr<float>();
    return metrics::to_corners({v[0], v[1], v[2], v[3]});
  };
  float least = 1;
  for (std::int64_t i = 0; i < a.size(0); ++i) {
    least = std::min(least, metrics::iou(corners(a[i]), corners(b[i])));
  }
  return least;
}

/// What boxes are held to.
struct Bounds {
  double distance;
  float iou;
};

void compare(const std::string& name, const inference::Plan& plan, const Batch& batch,
             const Tensor& boxes, const Bounds& bounds, CaseReport& report) {
  for (const std::int64_t count : {1, 3, 8}) {
    const std::string row = fmt::format("plan.{}.batch{}", name, count);
    const Tensor ours = plan.forward(repeated(batch, count)).boxes.select(1, 0).contiguous();
    const Tensor expected =
        boxes.index_select(0, torch::arange(count).remainder(batch.size())).contiguous();
    report.compare(row + ".box", ours, expected, {bounds.distance, 0});
    const float iou = least_iou(ours, expected);
    report.check(row + ".iou", iou >= bounds.iou,
                 fmt::format("the least IoU with the golden boxes is {:.4f}, expected {:.4f}", iou,
                             bounds.iou));
  }
}

}  // namespace

void compare_plan(const GoldenCase& golden, const models::ModelConfig& config,
                  const models::InputShape& shape, models::Model& model, const Batch& batch,
                  CaseReport& report) {
  constexpr float kLeastIou = 0.99F;
  constexpr float kTimes = 4;
  const Tensor boxes = golden.tensor("out.box").view({batch.size(), 4});
  compare("float32", inference::Plan(config, shape, model, {torch::kCPU, torch::kFloat32}), batch,
          boxes, {1e-4, kLeastIou}, report);

  const inference::Plan low(config, shape, model, {torch::kCPU, torch::kBFloat16});
  model.to(torch::kBFloat16);
  Batch rounded = batch;
  rounded.images = batch.images.to(torch::kBFloat16);
  const Tensor plain = model.forward(rounded).boxes.select(1, 0).to(torch::kFloat32).contiguous();
  const double distance = (plain - boxes).abs().max().item<double>();
  const float loss = 1 - least_iou(plain, boxes);
  compare("bfloat16", low, batch, boxes,
          {std::max(1e-2, kTimes * distance), std::min(kLeastIou, 1 - kTimes * loss)}, report);
}

}  // namespace referent::app
