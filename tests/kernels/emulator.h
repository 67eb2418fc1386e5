// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ucontext.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/common/numbers.h"

namespace referent::kernels {

/// A fault that the hardware would not report, or only by wrong numbers.
struct EmulationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Global memory: the buffers that a kernel may touch. Reads and writes elsewhere are faults, and
/// every write is counted.
class EmulatedMemory {
 public:
  template <class Buffer>
  void add_input(const Buffer& buffer) {
    add(buffer.data(), buffer.size() * sizeof(buffer[0]), false);
  }
  template <class Buffer>
  void add_output(Buffer& buffer) {
    add(buffer.data(), buffer.size() * sizeof(buffer[0]), true);
  }

  void check_read(const void* address, int bytes) const;
  void count_write(const void* address, int bytes);
  /// Whether every byte of an output was written once.
  bool wrote_once(const void* output) const;

 private:
  struct Region {
    const char* begin;
    std::size_t bytes;
    bool output;
    std::vector<int> writes;
  };
  void add(const void* begin, std::size_t bytes, bool output);
  const Region& find(const void* address, int bytes) const;
  std::vector<Region> regions_;
};

/// Runs a block's threads as fibers, one at a time, switched at barriers and warp-wide
/// instructions. Shared memory is watched: an access out of range, unaligned, or to bytes that
/// another thread wrote (or, for a write, read) since the last barrier is a fault. Asynchronous
/// copies land only when waited for, and until then their target holds signalling garbage.
class EmulatedBlock {
 public:
  EmulatedBlock(int threads, int shared_bytes, EmulatedMemory& memory);
  virtual ~EmulatedBlock();
  EmulatedBlock(const EmulatedBlock&) = delete;
  EmulatedBlock& operator=(const EmulatedBlock&) = delete;

  /// Runs body(thread) for every thread of block `block`. Throws EmulationError.
  void run(int block, const std::function<void(int thread)>& body);

  /// The most passes that any ldmatrix phase took for bank conflicts: 1 is none.
  int ldmatrix_passes() const { return ldmatrix_passes_; }

 protected:
  friend class EmulatedMachine;
  struct Copy {
    int offset;
    const void* source;
    int bytes;
  };
  struct Thread {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool finished;
    std::vector<Copy> open;                    // not yet committed
    std::vector<std::vector<Copy>> committed;  // groups, oldest first
  };
  struct Warp {
    int arrived = 0;
    int kind = 0;
    unsigned generation = 0;
    std::array<void*, 32> arguments{};
  };
  struct Shadow {
    int writer = -1, reader = -1;  // reader -2: several
    unsigned write_epoch = 0, read_epoch = 0;
  };

  /// Called before each block.
  virtual void start() {}
  static void enter(unsigned low, unsigned high);
  void start_thread(int thread);
  void yield();
  void fail(const std::string& message) const;
  void barrier();
  /// Waits for the 32 lanes of the warp; the last one runs `operation` on all arguments.
  void warp_wide(int kind, void* argument,
                 const std::function<void(const std::array<void*, 32>&)>& operation);
  void note_read(int offset, int bytes);
  void note_write(int offset, int bytes);
  void check_range(int offset, int bytes) const;

  EmulatedMemory& memory_;
  std::vector<char> shared_;
  std::vector<Shadow> shadow_;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  std::function<void(int)> body_;
  ucontext_t scheduler_;
  std::string error_;
  int block_ = 0, current_ = 0, arrived_ = 0, progress_ = 0;
  unsigned epoch_ = 1;
  int ldmatrix_passes_ = 0;
};

/// One thread, with the functions of CudaMachine.
class EmulatedMachine {
 public:
  EmulatedMachine(EmulatedBlock& block, int thread) : block_(block), thread_(thread) {}

  int thread() const { return thread_; }
  int block() const { return block_.block_; }
  void sync() { block_.barrier(); }
  float warp_sum(float value);

  void copy_chunk(int offset, const void* source, int bytes);
  void commit_copies();
  template <int kPending>
  void wait_copies() {
    wait_copies(kPending);
  }
  void ldmatrix(std::uint32_t (&out)[4], int offset) { ldmatrix(out, offset, false); }
  void ldmatrix_transposed(std::uint32_t (&out)[4], int offset) { ldmatrix(out, offset, true); }

  template <class Math>
  void mma(float (&sum)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
    mma(sum, a, b, sizeof(typename Math::Storage) == 4, [](std::uint32_t bits, int element) {
      if constexpr (sizeof(typename Math::Storage) == 4) {
        return bits_float(bits & 0xffffe000u);  // what the hardware reads of a TF32 operand
      } else {
        return to_float(typename Math::Storage{static_cast<std::uint16_t>(bits >> 16 * element)});
      }
    });
  }

  template <class V>
  V load_shared(int offset) {
    check_aligned(offset, sizeof(V));
    block_.note_read(offset, sizeof(V));
    V value;
    std::memcpy(&value, &block_.shared_[static_cast<std::size_t>(offset)], sizeof(V));
    return value;
  }
  template <class V>
  void store_shared(int offset, const V& value) {
    check_aligned(offset, sizeof(V));
    block_.note_write(offset, sizeof(V));
    std::memcpy(&block_.shared_[static_cast<std::size_t>(offset)], &value, sizeof(V));
  }
  template <class V>
  V load_global(const void* source) {
    check_aligned(reinterpret_cast<std::intptr_t>(source), sizeof(V));
    block_.memory_.check_read(source, sizeof(V));
    V value;
    std::memcpy(&value, source, sizeof(V));
    return value;
  }
  template <class V>
  void store_global(void* target, const V& value) {
    check_aligned(reinterpret_cast<std::intptr_t>(target), sizeof(V));
    block_.memory_.count_write(target, sizeof(V));
    std::memcpy(target, &value, sizeof(V));
  }

 private:
  using Decode = float (*)(std::uint32_t bits, int element);
  void wait_copies(int pending);
  void ldmatrix(std::uint32_t (&out)[4], int offset, bool transposed);
  void mma(float (&sum)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], bool wide,
           Decode decode);
  void check_aligned(std::intptr_t address, std::size_t bytes) const;

  EmulatedBlock& block_;
  int thread_;
};

}  // namespace referent::kernels
