// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace referent::ops {

/// Whether the conditional ops may use our own kernels on a GPU (so it is at first), or are
/// composed of library routines: to compare the two. For the whole process.
void allow_own_kernels(bool allow);
bool own_kernels_allowed();

}  // namespace referent::ops
