// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/inference/support.h"

namespace referent::kernels {

/// One launch and one pass over memory each. cudaErrorNotSupported for what is not taken.
cudaError_t launch_add_layer_norm(const AddLayerNormParams& params, cudaStream_t stream);
cudaError_t launch_max_pool(const MaxPoolParams& params, cudaStream_t stream);
cudaError_t launch_gates(const GateParams& params, cudaStream_t stream);
cudaError_t launch_blocks(const BlocksParams& params, cudaStream_t stream);
cudaError_t launch_scaled_bottleneck(const ScaledBottleneckParams& params, cudaStream_t stream);
cudaError_t launch_relative_features(const RelativeFeaturesParams& params, cudaStream_t stream);

}  // namespace referent::kernels
