// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace referent::ops {

/// Which `sgemm_` LibTorch's matrix products call in this process. Reference BLAS exports the same
/// name; where it comes before LibTorch in the order of symbol resolution (a program that links
/// OpenCV, which brings it along, and then loads LibTorch), products give equal results at a small
/// part of the speed. When this library is loaded it looks, and logs a warning if need be.
struct GemmBinding {
  bool own = true;      ///< LibTorch's, or of the library that LibTorch was built with
  std::string library;  ///< the file that has it; empty where there is no such symbol
};

GemmBinding gemm_binding();

}  // namespace referent::ops
