// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/conditional_linear/params.h"
#include "kernels/conditional_linear/support.h"

namespace referent::kernels {

/// The forward pass in one launch on the current device, along the best path that
/// supported_path(params, compute capability) allows. Returns cudaErrorNotSupported where there is
/// none, else the launch's status. B or N of 0: nothing happens.
cudaError_t launch_conditional_linear_forward(const ConditionalLinearParams& params,
                                              cudaStream_t stream);

/// The backward pass in two launches: the blocks' shares, and their sum over each sample.
cudaError_t launch_low_rank_backward(const LowRankBackwardParams& params, cudaStream_t stream);

}  // namespace referent::kernels
