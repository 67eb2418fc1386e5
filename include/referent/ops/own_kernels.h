// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace referent::ops {

/// Whether the conditional ops use our own kernels on a GPU where those take a problem, or library
/// routines. At first the latter: on an H200, MMCA's and VG-LAW's sizes in bfloat16 at batch 32,
/// our forward kernels take 1.0 to 1.7 times as long (`referent bench ops --device cuda` compares
/// them). For the whole process.
void use_own_kernels(bool use);
bool own_kernels_used();

}  // namespace referent::ops
