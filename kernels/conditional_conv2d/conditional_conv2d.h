// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/conditional_conv2d/params.h"
#include "kernels/conditional_conv2d/support.h"

namespace referent::kernels {

/// The forward pass in one launch on the current device. Returns cudaErrorNotSupported where
/// supported_path says so, else the launch's status. The backward pass through the up convolution
/// is launch_low_rank_backward over pixels; the down convolution's gradients are a library's.
cudaError_t launch_conditional_conv2d_forward(const ConditionalConv2dParams& params,
                                              cudaStream_t stream);

}  // namespace referent::kernels
