// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/inference/params.h"

/// Which problems the kernels take. Addresses are asked for where tensors of LibTorch may lack
/// them; elsewhere they are whole allocations.
namespace referent::kernels {

/// 16-bit types and a width of 256, 512, 768 or 1024.
bool takes(const AddLayerNormParams& params);
/// Channels in whole 16 bytes.
bool takes(const MaxPoolParams& params);
/// Up to 256 features and hidden units, up to 2048 channels and text features, all in multiples of
/// 4; channels and strides in whole 16 bytes.
bool takes(const GateParams& params);
/// 16-bit types.
bool takes(const BlocksParams& params);
/// 16-bit types, ranks in multiples of 8.
bool takes(const ScaledBottleneckParams& params);
/// 16-bit types; depth, features and rows in whole 16 bytes; features for all scores.
bool takes(const RelativeFeaturesParams& params);

}  // namespace referent::kernels
