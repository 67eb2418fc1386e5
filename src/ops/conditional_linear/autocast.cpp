// SPDX-License-Identifier: Apache-2.0
#include <ATen/autocast_mode.h>
#include <torch/library.h>

#include "kernels.h"

namespace referent::ops::linear {
namespace {

/// All arguments in the lower precision, as at::linear has them.
template <c10::DeviceType device>
using Autocast = at::autocast::WrapFunction<at::autocast::CastPolicy::lower_precision_fp, device,
                                            decltype(call), decltype(call), &call>;

TORCH_LIBRARY_IMPL(referent, AutocastCPU, m) {
  m.impl("conditional_linear", &Autocast<c10::DeviceType::CPU>::type::call);
}
TORCH_LIBRARY_IMPL(referent, AutocastCUDA, m) {
  m.impl("conditional_linear", &Autocast<c10::DeviceType::CUDA>::type::call);
}

}  // namespace
}  // namespace referent::ops::linear
