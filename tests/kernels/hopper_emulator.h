// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "kernels/emulator.h"
#include "kernels/hopper/linear_body.h"

namespace referent::kernels::hopper {

/// When tiles that TMA copies appear in shared memory. Both extremes are tried: kEarly overwrites
/// slots that are still read, kLate leaves old bytes where nobody waits.
enum class Landing { kEarly, kLate };

/// A block of compute capability 9.0. Products read shared memory as late as they may, when their
/// warp waits for them; writes that wgmma or TMA read without a proxy fence between are faults.
class HopperBlock : public EmulatedBlock {
 public:
  HopperBlock(int shared_bytes, EmulatedMemory& memory, const std::array<TileMap, kOperands>& maps,
              Landing landing);

 private:
  friend class EmulatedHopperMachine;
  struct Barrier {
    int arrivals = 0, pending = 0, bytes = 0;
    unsigned phase = 0;
  };
  struct NamedBarrier {
    int count = 0, arrived = 0;
    unsigned generation = 0;
  };
  struct TileCopy {
    TileMap map;
    int offset, barrier;
    std::array<int, 3> at;
  };
  struct Product {
    float* sums;
    int registers;
    std::uint64_t a, b;
    float (*decode)(std::uint16_t);
  };
  struct Pending {
    std::vector<Product> open;
    std::vector<std::vector<Product>> committed;
    bool begun = false;
  };

  void start() override;
  Barrier& barrier(int offset);
  void complete(Barrier& barrier);
  void land(const TileCopy& copy);
  void land_all(int barrier);
  void multiply(int thread, const Product& product);
  std::uint64_t hash_operand(std::uint64_t descriptor, int rows);
  /// The four warps of a group may read all of a product's operands, at different times.
  void compare_operands(int thread, const Product& product);
  /// What wgmma or TMA reads at an address of shared memory.
  std::uint16_t read_async(int address);

  std::array<TileMap, kOperands> maps_;
  Landing landing_;
  std::map<int, Barrier> barriers_;
  std::map<int, NamedBarrier> named_;
  std::vector<TileCopy> copies_;
  std::vector<Pending> pending_;
  std::map<int, std::vector<std::uint64_t>> hashes_;  // by group: of its products' operands
  std::map<int, std::size_t> executed_;               // by warp: how many products
  std::vector<int> unpublished_;                      // by byte: the thread that wrote it, or -1
  std::vector<std::vector<int>> unpublished_by_;      // by thread: the bytes
};

/// One thread, with the functions of HopperMachine.
class EmulatedHopperMachine {
 public:
  EmulatedHopperMachine(HopperBlock& block, int thread) : block_(block), thread_(thread) {}

  int thread() const { return thread_; }
  int block() const { return block_.block_; }
  void sync() { block_.EmulatedBlock::barrier(); }
  void sync_threads(int number, int count);
  template <int kCount>
  void give_registers() {}
  template <int kCount>
  void take_registers() {}

  void init_barrier(int offset, int arrivals);
  void publish_barriers() {}
  void expect_bytes(int offset, int bytes);
  void arrive(int offset);
  void wait(int offset, int parity);

  void load_tile(Operand operand, int offset, int barrier, int c0, int c1, int c2);
  void store_tile(Operand operand, int offset, int c0, int c1, int c2);
  void finish_stores() {}
  void publish_shared();

  void begin_products();
  template <class Math, int kRegisters>
  void multiply(float (&sums)[kRegisters], int a, int b) {
    add_product({sums, kRegisters, matrix_descriptor(static_cast<std::uint32_t>(a)),
                 matrix_descriptor(static_cast<std::uint32_t>(b)),
                 [](std::uint16_t bits) { return to_float(typename Math::Storage{bits}); }});
  }
  void commit_products();
  template <int kPending>
  void wait_products() {
    wait_products(kPending);
  }
  template <int kRegisters>
  void hold(float (&)[kRegisters]) {}

  template <class V>
  void store_shared(int offset, const V& value) {
    write_shared(offset, &value, sizeof(V));
  }
  template <class V>
  V load_global(const void* source) {
    block_.memory_.check_read(source, sizeof(V));
    V value;
    std::memcpy(&value, source, sizeof(V));
    return value;
  }
  template <class V>
  void store_global(void* target, const V& value) {
    block_.memory_.count_write(target, sizeof(V));
    std::memcpy(target, &value, sizeof(V));
  }

 private:
  void add_product(const HopperBlock::Product& product);
  void wait_products(int pending);
  void write_shared(int offset, const void* value, int bytes);

  HopperBlock& block_;
  int thread_;
};

}  // namespace referent::kernels::hopper
