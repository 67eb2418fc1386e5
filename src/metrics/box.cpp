// SPDX-License-Identifier: Apache-2.0
#include "referent/metrics/box.h"

#include <algorithm>
#include <cmath>

namespace referent::metrics {
namespace {

float side(float low, float high) {
  return std::max(high - low, 0.0F);
}

float intersection(const CornerBox& a, const CornerBox& b) {
  return side(std::max(a.x1, b.x1), std::min(a.x2, b.x2)) *
         side(std::max(a.y1, b.y1), std::min(a.y2, b.y2));
}

float area(const CornerBox& box) {
  return side(box.x1, box.x2) * side(box.y1, box.y2);
}

CornerBox hull(const CornerBox& a, const CornerBox& b) {
  return {std::min(a.x1, b.x1), std::min(a.y1, b.y1), std::max(a.x2, b.x2), std::max(a.y2, b.y2)};
}

bool is_finite(const CornerBox& box) {
  return std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) &&
         std::isfinite(box.y2);
}

}  // namespace

CornerBox to_corners(const CenterBox& box) {
  return {box.cx - 0.5F * box.w, box.cy - 0.5F * box.h, box.cx + 0.5F * box.w,
          box.cy + 0.5F * box.h};
}

CenterBox to_center(const CornerBox& box) {
  return {(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, box.x2 - box.x1, box.y2 - box.y1};
}

CornerBox clamp_to_unit(const CornerBox& box) {
  return {std::clamp(box.x1, 0.0F, 1.0F), std::clamp(box.y1, 0.0F, 1.0F),
          std::clamp(box.x2, 0.0F, 1.0F), std::clamp(box.y2, 0.0F, 1.0F)};
}

float iou(const CornerBox& a, const CornerBox& b) {
  const float inter = intersection(a, b);
  const float area_a = (a.x2 - a.x1) * (a.y2 - a.y1);
  const float area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
  const float ratio = inter / (area_a + area_b - inter + 1e-16F);
  return ratio > 0 ? ratio : 0.0F;  // NaN, and -0 of a negative union, too
}

float generalized_iou(const CornerBox& a, const CornerBox& b) {
  if (!is_finite(a) || !is_finite(b)) return -1;
  const float inter = intersection(a, b);
  const float together = area(a) + area(b) - inter;
  const float hull_area = area(hull(a, b));
  if (!std::isfinite(together) || !std::isfinite(hull_area)) return -1;
  const float overlap = together > 0 ? inter / together : 0.0F;
  const float waste = hull_area > 0 ? (hull_area - together) / hull_area : 0.0F;
  return overlap - waste;
}

float evaluation_iou(const CenterBox& prediction, const CenterBox& target) {
  return iou(clamp_to_unit(to_corners(prediction)), to_corners(target));
}

}  // namespace referent::metrics
