// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/ScalarType.h>

namespace referent::ops {

/// Whether oneDNN's products and convolutions take tensors of this type on this machine: float32
/// everywhere, bfloat16 with AVX-512.
bool onednn_takes(c10::ScalarType type);

}  // namespace referent::ops
