// SPDX-License-Identifier: Apache-2.0
#include "fused.h"

#include <ATen/Functions.h>
#include <c10/cuda/CUDAGuard.h>

#include "../cuda_arguments.h"
#include "kernels/conditional_conv2d/conditional_conv2d.h"
#include "referent/ops/own_kernels.h"

namespace referent::ops::convolution {

using at::Tensor;

std::optional<std::tuple<Tensor, Tensor>> fused_forward(const Tensor& x, const Tensor& down_weight,
                                                        const std::optional<Tensor>& down_bias,
                                                        const Tensor& core, const Tensor& up_weight,
                                                        const std::optional<Tensor>& up_bias,
                                                        const std::optional<Tensor>& residual) {
  constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
  if (!own_kernels_used() || up_weight.size(2) != 1 || up_weight.size(3) != 1 ||
      !fit_int(x.size(0), x.size(1), x.size(2) * x.size(3), up_weight.size(0), up_weight.size(1))) {
    return std::nullopt;
  }
  const c10::cuda::CUDAGuard guard(x.device());
  const auto contiguous = [](const std::optional<Tensor>& tensor) {
    return tensor.has_value() ? tensor->contiguous() : Tensor();
  };
  const auto data = [](const Tensor& tensor) {
    return tensor.defined() ? tensor.const_data_ptr() : nullptr;
  };
  // By pixels [B, H, W, C], whatever strides of one-element dimensions the format leaves open.
  const Tensor pixels = x.permute({0, 2, 3, 1}).contiguous();
  const Tensor down = down_weight.permute({0, 2, 3, 1}).contiguous();
  const Tensor up = up_weight.flatten(1).contiguous();
  const Tensor c = core.contiguous();
  const Tensor first_bias = contiguous(down_bias), second_bias = contiguous(up_bias);
  const std::int64_t outputs = up.size(0), rank = up.size(1);
  Tensor added;
  if (residual.has_value()) {
    added = residual->expand({x.size(0), outputs, x.size(2), x.size(3)})
                .permute({0, 2, 3, 1})
                .contiguous();
  }
  const Tensor y =
      at::empty({x.size(0), outputs, x.size(2), x.size(3)}, x.options(), kChannelsLast);
  const Tensor low = at::empty({x.size(0), rank, x.size(2), x.size(3)}, x.options(), kChannelsLast);

  kernels::ConditionalConv2dParams params;
  params.type = kernel_type(x);
  params.allow_tf32 = at::globalContext().allowTF32CuDNN();
  params.batch = static_cast<int>(x.size(0));
  params.height = static_cast<int>(x.size(2));
  params.width = static_cast<int>(x.size(3));
  params.channels = static_cast<int>(x.size(1));
  params.outputs = static_cast<int>(outputs);
  params.rank = static_cast<int>(rank);
  params.kernel_height = static_cast<int>(down_weight.size(2));
  params.kernel_width = static_cast<int>(down_weight.size(3));
  params.x = pixels.const_data_ptr();
  params.x_batch_stride = pixels.stride(0);
  params.x_row_stride = pixels.stride(1);
  params.x_column_stride = pixels.stride(2);
  params.down_weight = down.const_data_ptr();
  params.down_bias = data(first_bias);
  params.core = c.const_data_ptr();
  params.up_weight = up.const_data_ptr();
  params.up_bias = data(second_bias);
  params.residual = data(added);
  params.y = y.mutable_data_ptr();
  params.low = low.mutable_data_ptr();
  if (kernels::supported_path(params, compute_capability()) == kernels::Path::kUnsupported) {
    return std::nullopt;
  }
  C10_CUDA_CHECK(
      kernels::launch_conditional_conv2d_forward(params, at::cuda::getCurrentCUDAStream()));
  return std::tuple{y, low};
}

}  // namespace referent::ops::convolution
