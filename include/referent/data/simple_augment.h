// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/core/random.h"
#include "referent/data/config.h"
#include "referent/data/view.h"

namespace referent::data {

/// Varies a view without changing its size: a flip with left and right exchanged in the words, a
/// crop that keeps nearly all of the box and is scaled back, and factors on brightness, contrast
/// (around the mean of the picture) and saturation (around each pixel's mean), clipped once at the
/// end.
void augment_simple(View& view, const SimpleAugmentConfig& config, RandomStream& stream);

}  // namespace referent::data
