// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/common/numbers.h"

namespace referent::kernels {

/// The hardware as kernel bodies see it: one thread of a block, compute capability 8.0 and up.
/// tests/kernels/emulator.h has the same functions for the CPU.
class CudaMachine {
 public:
  /// `shared` is the block's shared memory; null where a body needs none.
  __device__ __forceinline__ explicit CudaMachine(char* shared)
      : shared_(shared), address_(static_cast<std::uint32_t>(__cvta_generic_to_shared(shared))) {}

  __device__ __forceinline__ int thread() const { return static_cast<int>(threadIdx.x); }
  __device__ __forceinline__ int block() const { return static_cast<int>(blockIdx.x); }
  __device__ __forceinline__ void sync() { __syncthreads(); }

  /// The sum of a value over the lanes of a warp, the same in all of them.
  __device__ __forceinline__ float warp_sum(float value) {
    for (int offset = 16; offset > 0; offset /= 2) {
      value += __shfl_xor_sync(0xffffffffu, value, offset);
    }
    return value;
  }

  /// Starts a copy of 16 bytes into shared memory: `bytes` from `source`, then zeros. It passes by
  /// L1.
  __device__ __forceinline__ void copy_chunk(int offset, const void* source, int bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address_ + offset),
                 "l"(__cvta_generic_to_global(source)), "r"(bytes)
                 : "memory");
  }
  __device__ __forceinline__ void commit_copies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  /// Waits until at most kPending committed groups of this thread are on their way.
  template <int kPending>
  __device__ __forceinline__ void wait_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
  }

  /// Four 8 x 16-byte matrices; lanes 8 i to 8 i + 7 give the addresses of the rows of matrix i.
  __device__ __forceinline__ void ldmatrix(std::uint32_t (&out)[4], int offset) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address_ + offset)
                 : "memory");
  }
  /// The same, every matrix of 16-bit elements transposed.
  __device__ __forceinline__ void ldmatrix_transposed(std::uint32_t (&out)[4], int offset) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address_ + offset)
                 : "memory");
  }

  /// sum += a b^T over 32 bytes of both.
  template <class Math>
  __device__ __forceinline__ void mma(float (&sum)[4], const std::uint32_t (&a)[4],
                                      const std::uint32_t (&b)[2]) {
    mma(Math{}, sum, a, b);
  }

  template <class V>
  __device__ __forceinline__ V load_shared(int offset) const {
    return *reinterpret_cast<const V*>(shared_ + offset);
  }
  template <class V>
  __device__ __forceinline__ void store_shared(int offset, const V& value) {
    *reinterpret_cast<V*>(shared_ + offset) = value;
  }
  template <class V>
  __device__ __forceinline__ V load_global(const void* source) const {
    return *static_cast<const V*>(source);
  }
  template <class V>
  __device__ __forceinline__ void store_global(void* target, const V& value) {
    *static_cast<V*>(target) = value;
  }

 private:
#define REFERENT_MMA(shape_and_types)                                             \
  asm volatile("mma.sync.aligned." shape_and_types                                \
               " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
               : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])           \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
  using Sum = float[4];
  using A = std::uint32_t[4];
  using B = std::uint32_t[2];
  __device__ __forceinline__ static void mma(BFloat16Math, Sum& sum, const A& a, const B& b) {
    REFERENT_MMA("m16n8k16.row.col.f32.bf16.bf16.f32");
  }
  __device__ __forceinline__ static void mma(Float16Math, Sum& sum, const A& a, const B& b) {
    REFERENT_MMA("m16n8k16.row.col.f32.f16.f16.f32");
  }
  __device__ __forceinline__ static void mma(Tf32Math, Sum& sum, const A& a, const B& b) {
    REFERENT_MMA("m16n8k8.row.col.f32.tf32.tf32.f32");
  }
  __device__ __forceinline__ static void mma(Float32Math, Sum& sum, const A& a, const B& b) {
    mma(Tf32Math{}, sum, a, b);
  }
#undef REFERENT_MMA

  char* shared_;
  std::uint32_t address_;
};

}  // namespace referent::kernels
