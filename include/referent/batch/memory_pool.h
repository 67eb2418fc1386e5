// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

namespace referent {

/// Memory that the large tensors of a computation come from and go back to.
///
/// The system's allocator returns large blocks to the kernel when they are freed and gets them back
/// page by page, zeroed, which can take longer than the convolution that fills them. A pool keeps
/// its memory: as much as the largest computation so far has used at once. Tensors may outlive the
/// pool and its scopes. Safe to use from many threads.
class MemoryPool {
 public:
  MemoryPool();

  /// While it lives, CPU tensors of at least kLeastBytes that its thread makes come from the pool.
  /// Scopes nest.
  class Scope {
   public:
    explicit Scope(const MemoryPool& pool);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    std::shared_ptr<class PoolState> outer_;
  };

  static constexpr std::size_t kLeastBytes = std::size_t{64} << 10U;

  /// Gives back to the system, of all pools, what no tensor lies in.
  static void release_unused();

  /// Bytes that the pool has from the system.
  std::size_t reserved() const;

 private:
  std::shared_ptr<class PoolState> state_;
};

}  // namespace referent
