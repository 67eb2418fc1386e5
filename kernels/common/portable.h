// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What lets a kernel body compile for the device and, by the host's compiler, for the emulator of
/// tests/kernels. Nothing under kernels/ that ends in .h includes a CUDA header, launchers apart.
#if defined(__CUDACC__)
#define REFERENT_HOST_DEVICE __host__ __device__ __forceinline__
#define REFERENT_DEVICE __device__ __forceinline__
#define REFERENT_UNROLL _Pragma("unroll")
#else
#define REFERENT_HOST_DEVICE inline
#define REFERENT_DEVICE inline
#define REFERENT_UNROLL
#endif

namespace referent::kernels {

REFERENT_HOST_DEVICE constexpr int ceil_div(int a, int b) {
  return (a + b - 1) / b;
}

/// N values that are loaded and stored at once.
template <class T, int N>
struct alignas(sizeof(T) * N) Vector {
  T values[N];
};

}  // namespace referent::kernels
