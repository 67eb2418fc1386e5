// SPDX-License-Identifier: Apache-2.0
#include "kernels/emulator.h"

#include <algorithm>
#include <set>

namespace referent::kernels {
namespace {

constexpr std::size_t kStackBytes = 256 * 1024;
constexpr char kGarbage = '\xff';  // NaN in every type
enum WarpInstruction { kLdmatrix = 1, kLdmatrixTransposed, kMma, kWarpSum };

}  // namespace

void EmulatedMemory::add(const void* begin, std::size_t bytes, bool output) {
  regions_.push_back(
      {static_cast<const char*>(begin), bytes, output, std::vector<int>(output ? bytes : 0)});
}

const EmulatedMemory::Region& EmulatedMemory::find(const void* address, int bytes) const {
  const char* begin = static_cast<const char*>(address);
  for (const Region& region : regions_) {
    if (begin >= region.begin && begin + bytes <= region.begin + region.bytes) return region;
  }
  throw EmulationError("global access outside every buffer");
}

void EmulatedMemory::check_read(const void* address, int bytes) const {
  find(address, bytes);
}

void EmulatedMemory::count_write(const void* address, int bytes) {
  auto& region = const_cast<Region&>(find(address, bytes));
  if (!region.output) throw EmulationError("write to an input");
  const auto first = region.writes.begin() + (static_cast<const char*>(address) - region.begin);
  std::for_each(first, first + bytes, [](int& count) { ++count; });
}

bool EmulatedMemory::wrote_once(const void* output) const {
  return std::ranges::all_of(find(output, 0).writes, [](int count) { return count == 1; });
}

EmulatedBlock::EmulatedBlock(int threads, int shared_bytes, EmulatedMemory& memory)
    : memory_(memory),
      shared_(static_cast<std::size_t>(shared_bytes)),
      shadow_(static_cast<std::size_t>(shared_bytes)),
      threads_(static_cast<std::size_t>(threads)),
      warps_(static_cast<std::size_t>(threads) / 32) {
  for (Thread& thread : threads_) thread.stack.reset(new char[kStackBytes]);
}

EmulatedBlock::~EmulatedBlock() = default;

void EmulatedBlock::enter(unsigned low, unsigned high) {
  auto* block = reinterpret_cast<EmulatedBlock*>(static_cast<std::uintptr_t>(high) << 32 | low);
  try {
    block->body_(block->current_);
  } catch (const std::exception& error) {
    if (block->error_.empty()) {
      block->error_ = "block " + std::to_string(block->block_) + ", thread " +
                      std::to_string(block->current_) + ": " + error.what();
    }
  }
  block->threads_[static_cast<std::size_t>(block->current_)].finished = true;
  ++block->progress_;
  block->yield();
}

void EmulatedBlock::start_thread(int index) {
  Thread& thread = threads_[static_cast<std::size_t>(index)];
  thread.finished = false;
  thread.open.clear();
  thread.committed.clear();
  getcontext(&thread.context);
  thread.context.uc_stack.ss_sp = thread.stack.get();
  thread.context.uc_stack.ss_size = kStackBytes;
  thread.context.uc_link = nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(this);
  makecontext(&thread.context, reinterpret_cast<void (*)()>(&EmulatedBlock::enter), 2,
              static_cast<unsigned>(address), static_cast<unsigned>(address >> 32));
}

void EmulatedBlock::run(int block, const std::function<void(int)>& body) {
  body_ = body;
  block_ = block;
  arrived_ = 0;
  ++epoch_;
  std::fill(shared_.begin(), shared_.end(), kGarbage);
  std::fill(shadow_.begin(), shadow_.end(), Shadow{});
  std::fill(warps_.begin(), warps_.end(), Warp{});
  start();
  const int count = static_cast<int>(threads_.size());
  for (int i = 0; i < count; ++i) start_thread(i);
  bool running = true;
  while (running && error_.empty()) {
    running = false;
    const int before = progress_;
    for (int i = 0; i < count && error_.empty(); ++i) {
      Thread& thread = threads_[static_cast<std::size_t>(i)];
      if (thread.finished) continue;
      running = true;
      current_ = i;
      swapcontext(&scheduler_, &thread.context);
    }
    if (running && progress_ == before) error_ = "deadlock: every thread waits";
  }
  if (!error_.empty()) throw EmulationError(error_);
}

void EmulatedBlock::yield() {
  swapcontext(&threads_[static_cast<std::size_t>(current_)].context, &scheduler_);
}

void EmulatedBlock::fail(const std::string& message) const {
  throw EmulationError(message);
}

void EmulatedBlock::barrier() {
  const unsigned epoch = epoch_;
  ++progress_;
  if (++arrived_ == static_cast<int>(threads_.size())) {
    arrived_ = 0;
    ++epoch_;
    return;
  }
  while (epoch_ == epoch) yield();
  ++progress_;
}

void EmulatedBlock::warp_wide(int kind, void* argument,
                              const std::function<void(const std::array<void*, 32>&)>& operation) {
  Warp& warp = warps_[static_cast<std::size_t>(current_ / 32)];
  if (warp.arrived == 0) warp.kind = kind;
  if (warp.kind != kind) fail("lanes of a warp are at different instructions");
  warp.arguments[static_cast<std::size_t>(current_ % 32)] = argument;
  ++progress_;
  if (++warp.arrived == 32) {
    operation(warp.arguments);
    warp.arrived = 0;
    ++warp.generation;
    return;
  }
  const unsigned generation = warp.generation;
  while (warp.generation == generation) yield();
  ++progress_;
}

void EmulatedBlock::check_range(int offset, int bytes) const {
  if (offset < 0 || offset + bytes > static_cast<int>(shared_.size())) {
    fail("shared access at " + std::to_string(offset) + " of " + std::to_string(shared_.size()));
  }
}

void EmulatedBlock::note_read(int offset, int bytes) {
  check_range(offset, bytes);
  for (int i = offset; i < offset + bytes; ++i) {
    Shadow& byte = shadow_[static_cast<std::size_t>(i)];
    if (byte.writer < 0) fail("read of shared byte " + std::to_string(i) + ", never written");
    if (byte.write_epoch == epoch_ && byte.writer != current_) {
      fail("race: shared byte " + std::to_string(i) + " was written by thread " +
           std::to_string(byte.writer) + " since the last barrier");
    }
    byte.reader = byte.read_epoch == epoch_ && byte.reader != current_ ? -2 : current_;
    byte.read_epoch = epoch_;
  }
}

void EmulatedBlock::note_write(int offset, int bytes) {
  check_range(offset, bytes);
  for (int i = offset; i < offset + bytes; ++i) {
    Shadow& byte = shadow_[static_cast<std::size_t>(i)];
    const bool written = byte.write_epoch == epoch_ && byte.writer != current_;
    const bool read = byte.read_epoch == epoch_ && byte.reader != current_;
    if (written || read) {
      fail("race: shared byte " + std::to_string(i) + " was " + (written ? "written" : "read") +
           " by another thread since the last barrier");
    }
    byte.writer = current_;
    byte.write_epoch = epoch_;
  }
}

void EmulatedMachine::check_aligned(std::intptr_t address, std::size_t bytes) const {
  if (address % static_cast<std::intptr_t>(bytes) != 0) {
    throw EmulationError("unaligned access of " + std::to_string(bytes) + " bytes");
  }
}

float EmulatedMachine::warp_sum(float value) {
  block_.warp_wide(kWarpSum, &value, [](const std::array<void*, 32>& arguments) {
    std::array<float, 32> sums;
    for (std::size_t i = 0; i < 32; ++i) sums[i] = *static_cast<const float*>(arguments[i]);
    for (std::size_t offset = 16; offset > 0; offset /= 2) {
      const std::array<float, 32> before = sums;
      for (std::size_t i = 0; i < 32; ++i) sums[i] = before[i] + before[i ^ offset];
    }
    for (std::size_t i = 0; i < 32; ++i) *static_cast<float*>(arguments[i]) = sums[i];
  });
  return value;
}

void EmulatedMachine::copy_chunk(int offset, const void* source, int bytes) {
  check_aligned(offset, 16);
  // The hardware wants the source aligned even where it reads less.
  check_aligned(reinterpret_cast<std::intptr_t>(source), 16);
  if (bytes < 0 || bytes > 16) throw EmulationError("a chunk has 16 bytes");
  if (bytes > 0) block_.memory_.check_read(source, bytes);
  block_.note_write(offset, 16);
  std::memset(&block_.shared_[static_cast<std::size_t>(offset)], kGarbage, 16);
  block_.threads_[static_cast<std::size_t>(thread_)].open.push_back({offset, source, bytes});
}

void EmulatedMachine::commit_copies() {
  auto& thread = block_.threads_[static_cast<std::size_t>(thread_)];
  thread.committed.push_back(std::move(thread.open));
  thread.open.clear();
}

void EmulatedMachine::wait_copies(int pending) {
  auto& groups = block_.threads_[static_cast<std::size_t>(thread_)].committed;
  while (static_cast<int>(groups.size()) > pending) {
    for (const auto& copy : groups.front()) {
      block_.note_write(copy.offset, 16);
      char* target = &block_.shared_[static_cast<std::size_t>(copy.offset)];
      std::memset(target, 0, 16);
      std::memcpy(target, copy.source, static_cast<std::size_t>(copy.bytes));
    }
    groups.erase(groups.begin());
  }
}

void EmulatedMachine::ldmatrix(std::uint32_t (&out)[4], int offset, bool transposed) {
  struct Argument {
    std::uint32_t* out;
    int offset;
  } argument{out, offset};
  check_aligned(offset, 16);
  block_.note_read(offset, 16);
  block_.warp_wide(
      transposed ? kLdmatrixTransposed : kLdmatrix, &argument,
      [&](const std::array<void*, 32>& arguments) {
        const auto lane = [&](int i) -> const Argument& {
          return *static_cast<const Argument*>(arguments[static_cast<std::size_t>(i)]);
        };
        for (int matrix = 0; matrix < 4; ++matrix) {
          std::array<int, 8> uses{};  // of the eight groups of four banks
          for (int row = 0; row < 8; ++row)
            ++uses[static_cast<std::size_t>(lane(8 * matrix + row).offset / 16 % 8)];
          block_.ldmatrix_passes_ =
              std::max(block_.ldmatrix_passes_, *std::max_element(uses.begin(), uses.end()));
          for (int i = 0; i < 32; ++i) {
            std::uint16_t halves[2];
            for (int j = 0; j < 2; ++j) {
              const int row = transposed ? 2 * (i % 4) + j : i / 4;
              const int column = transposed ? i / 4 : 2 * (i % 4) + j;
              std::memcpy(&halves[j],
                          &block_.shared_[static_cast<std::size_t>(lane(8 * matrix + row).offset +
                                                                   2 * column)],
                          2);
            }
            lane(i).out[matrix] = halves[0] | static_cast<std::uint32_t>(halves[1]) << 16;
          }
        }
      });
}

void EmulatedMachine::mma(float (&sum)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                          bool wide, Decode decode) {
  struct Argument {
    float* sum;
    const std::uint32_t* a;
    const std::uint32_t* b;
  } argument{sum, a, b};
  block_.warp_wide(kMma, &argument, [&](const std::array<void*, 32>& arguments) {
    const auto lane = [&](int i) -> const Argument& {
      return *static_cast<const Argument*>(arguments[static_cast<std::size_t>(i)]);
    };
    // PTX ISA, "Matrix Fragments for mma.m16n8k16" and ".m16n8k8": a register holds two elements
    // of 16 bits or one of 32.
    const int per_register = wide ? 1 : 2;
    const int half = 4 * per_register;  // elements of 16 bytes
    float products[16][16], factors[8][16], added[16][8];
    for (int i = 0; i < 32; ++i) {
      const int group = i / 4, in_group = i % 4;
      for (int r = 0; r < 4; ++r) {
        for (int e = 0; e < per_register; ++e) {
          const int k = in_group * per_register + e + (r / 2) * half;
          products[group + 8 * (r % 2)][k] = decode(lane(i).a[r], e);
          if (r < 2)
            factors[group][in_group * per_register + e + r * half] = decode(lane(i).b[r], e);
        }
      }
    }
    for (int row = 0; row < 16; ++row) {
      for (int column = 0; column < 8; ++column) {
        double total = 0;
        for (int k = 0; k < 2 * half; ++k) {
          total += static_cast<double>(products[row][k]) * factors[column][k];
        }
        added[row][column] = static_cast<float>(total);
      }
    }
    for (int i = 0; i < 32; ++i) {
      for (int r = 0; r < 4; ++r) {
        lane(i).sum[r] += added[i / 4 + 8 * (r / 2)][2 * (i % 4) + r % 2];
      }
    }
  });
}

}  // namespace referent::kernels
