// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "referent/formats/rle.h"
#include "referent/image/image.h"

namespace referent {

using torch::Tensor;

/// What a model reads. Padding is true where a position is padding, everywhere.
struct Batch {
  /// [B, 3, H, W] RGB: bytes, which the model normalises where it is, or float, normalised
  /// (ImageNet) and zero where padded; see normalised_images().
  Tensor images;
  Tensor image_padding;  ///< [B, H, W] bool
  Tensor tokens;         ///< [B, L] int64
  Tensor token_padding;  ///< [B, L] bool
  Tensor boxes;  ///< [B, 4] float targets cx, cy, w, h over the square, 0..1; may be undefined
  /// [B, H, W] uint8, 0 or 1: target masks on the square, zero where padded and where has_mask is
  /// false. Undefined where no sample of the batch has a mask.
  Tensor masks = {};
  Tensor has_mask = {};  ///< [B] bool: which samples have a target mask; undefined as masks is

  std::int64_t size() const { return images.size(0); }
  Batch to(const torch::Device& device) const;

  /// The samples `begin` to `end` (0 <= begin < end <= size()), in the same memory.
  Batch part(std::int64_t begin, std::int64_t end) const;
};

/// What a model says, before thresholds; Q = 1 for models with one answer.
struct Output {
  Tensor boxes;   ///< [B, Q, 4] cx, cy, w, h over the square, 0..1
  Tensor scores;  ///< [B, Q]; undefined where the model has none
  /// [B, Q, h, w] logits of the masks, over the whole square at any resolution; undefined where the
  /// model has no mask head
  Tensor mask_logits = {};
};

/// What training minimises: `total` and the named parts that it is the weighted sum of.
struct Losses {
  Tensor total;                                       ///< scalar
  std::vector<std::pair<std::string, Tensor>> parts;  ///< unweighted scalars
};

/// One grounded expression, in the frame of the original picture.
struct Prediction {
  image::Box box;               ///< pixels, x1 y1 x2 y2
  std::optional<double> score;  ///< absent where the model has none
  std::string expression;
  std::optional<formats::Rle> mask = {};  ///< absent where the model has no mask head
};

}  // namespace referent
