// SPDX-License-Identifier: Apache-2.0
#include "kernels/hopper_emulator.h"

#include <algorithm>

namespace referent::kernels::hopper {
namespace {

constexpr int kTurnsAfterArrival = 8;
constexpr int kWaitProducts = 16;  // a warp-wide instruction of EmulatedBlock

/// The swizzle that TMA and wgmma apply to shared addresses: bits 4-6 ^= bits 7-9.
int swizzled(int address) {
  return address ^ (address >> 3 & 0x70);
}

int operand_address(std::uint64_t descriptor, int row, int k) {
  const int start = static_cast<int>(descriptor & 0x3fff) * 16;
  const int group_stride = static_cast<int>(descriptor >> 32 & 0x3fff) * 16;
  return start + row / 8 * group_stride + row % 8 * 128 + 2 * k;
}

}  // namespace

HopperBlock::HopperBlock(int shared_bytes, EmulatedMemory& memory,
                         const std::array<TileMap, kOperands>& maps, Landing landing)
    : EmulatedBlock(kThreads, shared_bytes, memory), maps_(maps), landing_(landing) {}

void HopperBlock::start() {
  barriers_.clear();
  named_.clear();
  copies_.clear();
  hashes_.clear();
  executed_.clear();
  pending_.assign(kThreads, {});
  unpublished_.assign(shared_.size(), -1);
  unpublished_by_.assign(kThreads, {});
}

HopperBlock::Barrier& HopperBlock::barrier(int offset) {
  const auto found = barriers_.find(offset);
  if (found == barriers_.end()) fail("use of a barrier that was not initialised");
  return found->second;
}

void HopperBlock::complete(Barrier& barrier) {
  if (barrier.pending < 0) fail("more arrivals than the barrier counts");
  if (barrier.pending > 0 || barrier.bytes != 0) return;
  barrier.pending = barrier.arrivals;
  ++barrier.phase;
  ++progress_;
}

void HopperBlock::land(const TileCopy& copy) {
  const TileMap& map = copy.map;
  const auto* data = static_cast<const char*>(map.data);
  for (int row = 0; row < map.box[1]; ++row) {
    for (int column = 0; column < map.box[0]; ++column) {
      const long long at[3] = {copy.at[0] + column, copy.at[1] + row, copy.at[2]};
      const bool inside = at[0] < map.sizes[0] && at[1] < map.sizes[1] && at[2] < map.sizes[2];
      std::uint16_t value = 0;
      if (inside) {
        const char* source = data + 2 * (at[0] + at[1] * map.strides[0] + at[2] * map.strides[1]);
        memory_.check_read(source, 2);
        std::memcpy(&value, source, 2);
      }
      const int target = swizzled(copy.offset + 128 * row + 2 * column);
      std::memcpy(&shared_[static_cast<std::size_t>(target)], &value, 2);
    }
  }
  Barrier& waiting = barrier(copy.barrier);
  waiting.bytes -= map.box[0] * map.box[1] * 2;
  complete(waiting);
}

void HopperBlock::land_all(int offset) {
  std::vector<TileCopy> landing;
  for (std::size_t i = 0; i < copies_.size();) {
    if (copies_[i].barrier != offset) {
      ++i;
      continue;
    }
    landing.push_back(copies_[i]);
    copies_.erase(copies_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (const TileCopy& copy : landing) land(copy);
}

std::uint16_t HopperBlock::read_async(int address) {
  const int at = swizzled(address);
  check_range(at, 2);
  if (unpublished_[static_cast<std::size_t>(at)] >= 0) {
    fail("asynchronous read of shared byte " + std::to_string(at) +
         ", written without a proxy fence");
  }
  std::uint16_t value;
  std::memcpy(&value, &shared_[static_cast<std::size_t>(at)], 2);
  return value;
}

std::uint64_t HopperBlock::hash_operand(std::uint64_t descriptor, int rows) {
  std::uint64_t hash = 0;
  for (int row = 0; row < rows; ++row) {
    for (int k = 0; k < kFragment; ++k) {
      hash = (hash ^ read_async(operand_address(descriptor, row, k))) * 0x100000001b3u;
    }
  }
  return hash;
}

void HopperBlock::compare_operands(int thread, const Product& product) {
  const std::uint64_t hash =
      hash_operand(product.a, kGroupRows) * 31 + hash_operand(product.b, 2 * product.registers);
  std::vector<std::uint64_t>& hashes = hashes_[thread / kGroupThreads];
  std::size_t& done = executed_[thread / 32];
  if (done == hashes.size()) hashes.push_back(hash);
  if (hashes[done++] != hash) fail("operands of a product changed while its warps read them");
}

void HopperBlock::multiply(int thread, const Product& product) {
  const auto operand = [&](std::uint64_t descriptor, int row, int k) {
    return product.decode(read_async(operand_address(descriptor, row, k)));
  };
  const int in_group = thread % kGroupThreads;
  if (in_group % 32 == 0) compare_operands(thread, product);
  for (int i = 0; i < product.registers; ++i) {
    const int row = sum_row(in_group, i / 2 % 2);
    const int column = sum_column(in_group, i / 4) + i % 2;
    double sum = 0;
    for (int k = 0; k < kFragment; ++k) {
      sum += static_cast<double>(operand(product.a, row, k)) * operand(product.b, column, k);
    }
    product.sums[i] += static_cast<float>(sum);
  }
}

void EmulatedHopperMachine::sync_threads(int number, int count) {
  HopperBlock::NamedBarrier& barrier = block_.named_[number];
  if (barrier.arrived == 0) barrier.count = count;
  if (barrier.count != count) block_.fail("threads disagree on a barrier's size");
  ++block_.progress_;
  const unsigned generation = barrier.generation;
  if (++barrier.arrived == count) {
    barrier.arrived = 0;
    ++barrier.generation;
    return;
  }
  while (barrier.generation == generation) block_.yield();
  ++block_.progress_;
}

void EmulatedHopperMachine::init_barrier(int offset, int arrivals) {
  block_.check_range(offset, 8);
  if (offset % 8 != 0) block_.fail("a barrier has 8 aligned bytes");
  block_.barriers_[offset] = {arrivals, arrivals, 0, 0};
}

void EmulatedHopperMachine::expect_bytes(int offset, int bytes) {
  HopperBlock::Barrier& barrier = block_.barrier(offset);
  barrier.bytes += bytes;
  --barrier.pending;
  block_.complete(barrier);
}

void EmulatedHopperMachine::arrive(int offset) {
  HopperBlock::Barrier& barrier = block_.barrier(offset);
  --barrier.pending;
  block_.complete(barrier);
  // Whoever waits for this may go far ahead of this thread.
  for (int turn = 0; turn < kTurnsAfterArrival; ++turn) {
    ++block_.progress_;
    block_.yield();
  }
}

void EmulatedHopperMachine::wait(int offset, int parity) {
  const auto waiting = [&] { return static_cast<int>(block_.barrier(offset).phase & 1) == parity; };
  while (waiting()) {
    const std::size_t copies = block_.copies_.size();
    block_.land_all(offset);
    if (block_.copies_.size() == copies) block_.yield();
  }
}

void EmulatedHopperMachine::load_tile(Operand operand, int offset, int barrier, int c0, int c1,
                                      int c2) {
  const TileMap& map = block_.maps_[static_cast<std::size_t>(operand)];
  block_.check_range(offset, map.box[0] * map.box[1] * 2);
  if (offset % kTileAlignment != 0) block_.fail("a swizzled tile begins on 1024 bytes");
  const HopperBlock::TileCopy copy{map, offset, barrier, {c0, c1, c2}};
  if (block_.landing_ == Landing::kEarly) {
    block_.land(copy);
  } else {
    block_.copies_.push_back(copy);
  }
}

void EmulatedHopperMachine::store_tile(Operand operand, int offset, int c0, int c1, int c2) {
  const TileMap& map = block_.maps_[static_cast<std::size_t>(operand)];
  if (offset % kTileAlignment != 0) block_.fail("a swizzled tile begins on 1024 bytes");
  for (int row = 0; row < map.box[1] && c1 + row < map.sizes[1]; ++row) {
    for (int column = 0; column < map.box[0] && c0 + column < map.sizes[0]; ++column) {
      char* target = static_cast<char*>(const_cast<void*>(map.data)) +
                     2 * (c0 + column + (c1 + row) * map.strides[0] + c2 * map.strides[1]);
      const std::uint16_t value = block_.read_async(offset + 128 * row + 2 * column);
      block_.memory_.count_write(target, 2);
      std::memcpy(target, &value, 2);
    }
  }
}

void EmulatedHopperMachine::publish_shared() {
  auto& bytes = block_.unpublished_by_[static_cast<std::size_t>(thread_)];
  for (const int byte : bytes) block_.unpublished_[static_cast<std::size_t>(byte)] = -1;
  bytes.clear();
}

void EmulatedHopperMachine::write_shared(int offset, const void* value, int bytes) {
  block_.check_range(offset, bytes);
  std::memcpy(&block_.shared_[static_cast<std::size_t>(offset)], value,
              static_cast<std::size_t>(bytes));
  for (int i = offset; i < offset + bytes; ++i) {
    block_.unpublished_[static_cast<std::size_t>(i)] = thread_;
    block_.unpublished_by_[static_cast<std::size_t>(thread_)].push_back(i);
  }
}

void EmulatedHopperMachine::begin_products() {
  block_.pending_[static_cast<std::size_t>(thread_)].begun = true;
}

void EmulatedHopperMachine::add_product(const HopperBlock::Product& product) {
  HopperBlock::Pending& pending = block_.pending_[static_cast<std::size_t>(thread_)];
  if (product.a >> 62 != 1 || product.b >> 62 != 1) {
    block_.fail("a descriptor without 128-byte swizzle");
  }
  if (!pending.begun) block_.fail("a product without wgmma.fence before it");
  pending.open.push_back(product);
}

void EmulatedHopperMachine::commit_products() {
  HopperBlock::Pending& pending = block_.pending_[static_cast<std::size_t>(thread_)];
  pending.committed.push_back(std::move(pending.open));
  pending.open.clear();
  pending.begun = false;
}

void EmulatedHopperMachine::wait_products(int pending) {
  struct Argument {
    int thread, pending;
  } argument{thread_, pending};
  block_.warp_wide(kWaitProducts, &argument, [&](const std::array<void*, 32>& arguments) {
    for (const void* pointer : arguments) {
      const auto& lane = *static_cast<const Argument*>(pointer);
      auto& groups = block_.pending_[static_cast<std::size_t>(lane.thread)].committed;
      while (static_cast<int>(groups.size()) > lane.pending) {
        for (const HopperBlock::Product& product : groups.front()) {
          block_.multiply(lane.thread, product);
        }
        groups.erase(groups.begin());
      }
    }
  });
}

}  // namespace referent::kernels::hopper
