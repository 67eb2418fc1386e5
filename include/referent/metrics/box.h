// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Box arithmetic of the evaluation, in float32 and in the order of operations of the released
/// PyTorch code of TransVG and MMCA, so that hits agree with it to the last bit.
namespace referent::metrics {

/// x1 <= x2 and y1 <= y2 where the box is not degenerate.
struct CornerBox {
  float x1 = 0;
  float y1 = 0;
  float x2 = 0;
  float y2 = 0;
};

/// Centre and size.
struct CenterBox {
  float cx = 0;
  float cy = 0;
  float w = 0;
  float h = 0;
};

CornerBox to_corners(const CenterBox& box);
CenterBox to_center(const CornerBox& box);

/// Every coordinate in [0, 1].
CornerBox clamp_to_unit(const CornerBox& box);

/// Intersection over union, inter / (union + 1e-16), in [0, 1]. Boxes without area, inverted or
/// with coordinates that are not finite give 0.
float iou(const CornerBox& a, const CornerBox& b);

/// Generalised IoU (Rezatofighi et al. 2019), IoU - (hull - union) / hull, in [-1, 1]. Where the
/// released code gives NaN or refuses: sides of inverted boxes count as 0, a term with a zero
/// denominator as 0 (two equal points: 0; two different points that span an area: -1), and
/// coordinates or areas that are not finite give -1.
float generalized_iou(const CornerBox& a, const CornerBox& b);

/// The IoU that evaluation counts: boxes normalised to the padded square, the prediction clamped
/// to it, the target as it is.
float evaluation_iou(const CenterBox& prediction, const CenterBox& target);

}  // namespace referent::metrics
