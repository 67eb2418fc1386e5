// SPDX-License-Identifier: Apache-2.0
#include <ATen/autocast_mode.h>
#include <torch/library.h>

#include "kernels.h"

namespace referent::ops::convolution {
namespace {

/// All arguments in the lower precision, as at::conv2d has them.
template <c10::DeviceType device>
using Autocast = at::autocast::WrapFunction<at::autocast::CastPolicy::lower_precision_fp, device,
                                            decltype(call), decltype(call), &call>;

TORCH_LIBRARY_IMPL(referent, AutocastCPU, m) {
  m.impl("conditional_conv2d", &Autocast<c10::DeviceType::CPU>::type::call);
}
TORCH_LIBRARY_IMPL(referent, AutocastCUDA, m) {
  m.impl("conditional_conv2d", &Autocast<c10::DeviceType::CUDA>::type::call);
}

}  // namespace
}  // namespace referent::ops::convolution
