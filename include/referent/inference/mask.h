// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include "referent/data/example.h"
#include "referent/formats/rle.h"

namespace referent::inference {

/// A mask of the model in the frame of the sample's original picture. `logits` [h, w], float32 on
/// the CPU, lie over the whole square at any resolution. What lies on padding is cut away, the rest
/// is scaled bilinearly to the picture, pixel centres on pixel centres; a pixel belongs to the mask
/// where its probability is above `threshold`, in [0, 1].
formats::Rle mask_to_original(const torch::Tensor& logits, const data::Sample& sample,
                              double threshold);

/// The smallest boxes around masks: logits [B, 1, h, w] -> [B, 1, 4], cx, cy, w, h over the square,
/// 0..1; all zero where no probability is above `threshold`. What a model without box head gives.
torch::Tensor boxes_around_masks(const torch::Tensor& logits, double threshold);

}  // namespace referent::inference
