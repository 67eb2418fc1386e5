// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/conditional_conv2d/params.h"
#include "kernels/conditional_linear/params.h"

namespace referent::kernels {

/// Which path takes a problem on a device of compute capability 10 major + minor: kPortable or
/// kUnsupported. The kernel wants an up kernel of 1 x 1 (that is all the params can say), a rank up
/// to 64, ranks and C of whole 16-byte chunks, Cout a multiple of 4 elements, and aligned
/// addresses; B, H, W and the odd sizes of the down kernel are free.
Path supported_path(const ConditionalConv2dParams& params, int compute_capability);

}  // namespace referent::kernels
