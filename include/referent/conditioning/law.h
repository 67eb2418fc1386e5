// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/conditioning/conditioning.h"

namespace referent::conditioning {

/// Of the layer norm in the released generator.
constexpr double kGeneratorNormEpsilon = 1e-7;

/// VG-LAW's language-adaptive weights (CVPR 2023, section 3.2): every layer's fused q, k, v weight
/// becomes
///
///     W = W0 + P M Q^T
///
/// with P `S` [3D, r] and Q^T `D` [r, D] shared over the layers and M [r, r] generated for each
/// layer and expression: the layer's embedding attends over the text in heads without projections,
/// and an MLP turns what it found into M. On a layer whose queries and keys see x + position and
/// whose values see x, each third of P reads what its projection reads. Convolutions stay as they
/// are. Throws ConfigError when the heads do not divide the width of the text.
std::shared_ptr<Conditioning> make_law(const ConditioningConfig& config, const Sites& sites,
                                       std::int64_t text_width);

}  // namespace referent::conditioning
