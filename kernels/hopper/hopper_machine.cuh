// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda.h>

#include <cutlass/arch/barrier.h>
#include <cutlass/arch/reg_reconfig.h>
#include <cute/arch/cluster_sm90.hpp>
#include <cute/arch/copy_sm90_desc.hpp>
#include <cute/arch/copy_sm90_tma.hpp>
#include <cute/arch/mma_sm90_gmma.hpp>
#include <utility>

#include "kernels/common/numbers.h"
#include "kernels/hopper/linear_body.h"

namespace referent::kernels::hopper {

/// One thread of a block of compute capability 9.0, in CuTe's instruction wrappers.
/// tests/kernels/hopper_emulator.h has the same functions for the CPU.
class HopperMachine {
 public:
  /// `shared` is aligned to kTileAlignment; `maps` are the kernel's parameters.
  __device__ __forceinline__ HopperMachine(char* shared, const CUtensorMap* maps)
      : shared_(shared), address_(cute::cast_smem_ptr_to_uint(shared)), maps_(maps) {}

  __device__ __forceinline__ int thread() const { return static_cast<int>(threadIdx.x); }
  __device__ __forceinline__ int block() const { return static_cast<int>(blockIdx.x); }
  __device__ __forceinline__ void sync() { __syncthreads(); }
  /// A barrier of `count` threads, known by its number 1..15.
  __device__ __forceinline__ void sync_threads(int number, int count) {
    asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(count) : "memory");
  }
  template <int kCount>
  __device__ __forceinline__ void give_registers() {
    cutlass::arch::warpgroup_reg_dealloc<kCount>();
  }
  template <int kCount>
  __device__ __forceinline__ void take_registers() {
    cutlass::arch::warpgroup_reg_alloc<kCount>();
  }

  // Transaction barriers in shared memory.
  __device__ __forceinline__ void init_barrier(int offset, int arrivals) {
    cute::initialize_barrier(barrier(offset), arrivals);
  }
  /// Makes initialised barriers visible to TMA.
  __device__ __forceinline__ void publish_barriers() {
    cutlass::arch::fence_barrier_init();
    cutlass::arch::fence_view_async_shared();
  }
  __device__ __forceinline__ void expect_bytes(int offset, int bytes) {
    cute::set_barrier_transaction_bytes(barrier(offset), bytes);
  }
  __device__ __forceinline__ void arrive(int offset) { cute::arrive_barrier(barrier(offset)); }
  __device__ __forceinline__ void wait(int offset, int parity) {
    cute::wait_barrier(barrier(offset), parity);
  }

  __device__ __forceinline__ void load_tile(Operand operand, int offset, int barrier_offset, int c0,
                                            int c1, int c2) {
    cute::SM90_TMA_LOAD_3D::copy(map(operand), &barrier(barrier_offset),
                                 static_cast<std::uint64_t>(cute::TMA::CacheHintSm90::EVICT_NORMAL),
                                 shared_ + offset, c0, c1, c2);
  }
  __device__ __forceinline__ void store_tile(Operand operand, int offset, int c0, int c1, int c2) {
    cute::SM90_TMA_STORE_3D::copy(map(operand), shared_ + offset, c0, c1, c2);
  }
  /// Waits until this thread's stores have read shared memory.
  __device__ __forceinline__ void finish_stores() {
    cute::tma_store_arrive();
    cute::tma_store_wait<0>();
  }
  /// Makes this thread's writes to shared memory visible to wgmma and TMA.
  __device__ __forceinline__ void publish_shared() { cutlass::arch::fence_view_async_shared(); }

  __device__ __forceinline__ void begin_products() { cute::warpgroup_arrive(); }
  /// Starts sums [64, 2 kRegisters] += a b^T over kFragment elements of tiles at two offsets.
  template <class Math, int kRegisters>
  __device__ __forceinline__ void multiply(float (&sums)[kRegisters], int a, int b) {
    multiply<typename Instruction<Math, 2 * kRegisters>::type>(
        sums, a, b, std::make_index_sequence<kRegisters>{});
  }
  __device__ __forceinline__ void commit_products() { cute::warpgroup_commit_batch(); }
  template <int kPending>
  __device__ __forceinline__ void wait_products() {
    cute::warpgroup_wait<kPending>();
  }
  /// Keeps the compiler from moving uses of sums across products under way.
  template <int kRegisters>
  __device__ __forceinline__ void hold(float (&sums)[kRegisters]) {
    REFERENT_UNROLL
    for (int i = 0; i < kRegisters; ++i) cute::warpgroup_fence_operand(sums[i]);
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
  template <class Math, int kColumns>
  struct Instruction;
  static constexpr cute::SM90::GMMA::Major kMajor = cute::SM90::GMMA::Major::K;

  template <class Mma, int kRegisters, std::size_t... kIndex>
  __device__ __forceinline__ void multiply(float (&sums)[kRegisters], int a, int b,
                                           std::index_sequence<kIndex...>) {
    Mma::fma(matrix_descriptor(address_ + a), matrix_descriptor(address_ + b), sums[kIndex]...,
             cute::SM90::GMMA::ScaleOut::One);
  }
  __device__ __forceinline__ std::uint64_t& barrier(int offset) const {
    return *reinterpret_cast<std::uint64_t*>(shared_ + offset);
  }
  __device__ __forceinline__ const CUtensorMap* map(Operand operand) const {
    return maps_ + static_cast<int>(operand);
  }

  char* shared_;
  std::uint32_t address_;
  const CUtensorMap* maps_;
};

template <>
struct HopperMachine::Instruction<BFloat16Math, 256> {
  using type = cute::SM90::GMMA::MMA_64x256x16_F32BF16BF16_SS<kMajor, kMajor>;
};
template <>
struct HopperMachine::Instruction<BFloat16Math, 64> {
  using type = cute::SM90::GMMA::MMA_64x64x16_F32BF16BF16_SS<kMajor, kMajor>;
};
template <>
struct HopperMachine::Instruction<BFloat16Math, 32> {
  using type = cute::SM90::GMMA::MMA_64x32x16_F32BF16BF16_SS<kMajor, kMajor>;
};
template <>
struct HopperMachine::Instruction<Float16Math, 256> {
  using type = cute::SM90::GMMA::MMA_64x256x16_F32F16F16_SS<kMajor, kMajor>;
};
template <>
struct HopperMachine::Instruction<Float16Math, 64> {
  using type = cute::SM90::GMMA::MMA_64x64x16_F32F16F16_SS<kMajor, kMajor>;
};
template <>
struct HopperMachine::Instruction<Float16Math, 32> {
  using type = cute::SM90::GMMA::MMA_64x32x16_F32F16F16_SS<kMajor, kMajor>;
};

}  // namespace referent::kernels::hopper
