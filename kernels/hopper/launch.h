// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/conditional_linear/params.h"

namespace referent::kernels::hopper {

/// The forward pass along Path::kHopper, for problems that supported_path sends there.
cudaError_t launch_conditional_linear_forward(const ConditionalLinearParams& params,
                                              cudaStream_t stream);

}  // namespace referent::kernels::hopper
