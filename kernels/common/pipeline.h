// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/portable.h"
#include "kernels/common/tile.h"

namespace referent::kernels {

/// Runs `steps` steps with kStages - 1 of them on their way: issue(step, slot) starts the copies of
/// a step into a slot, compute(step, slot) uses them. All copies are done and all threads met on
/// return.
template <int kStages, class Machine, class Issue, class Compute>
REFERENT_DEVICE void run_pipeline(Machine& machine, int steps, Issue issue, Compute compute) {
  REFERENT_UNROLL
  for (int step = 0; step < kStages - 1; ++step) {
    if (step < steps) issue(step, step);
    machine.commit_copies();
  }
  int slot = 0;
  int free_slot = kStages - 1;
  for (int step = 0; step < steps; ++step) {
    machine.template wait_copies<kStages - 2>();
    machine.sync();  // this step's copies are visible, and nobody reads the free slot any more
    if (step + kStages - 1 < steps) issue(step + kStages - 1, free_slot);
    machine.commit_copies();
    compute(step, slot);
    slot = slot + 1 == kStages ? 0 : slot + 1;
    free_slot = free_slot + 1 == kStages ? 0 : free_slot + 1;
  }
  machine.template wait_copies<0>();
  machine.sync();
}

/// Copies kRows rows of 64 bytes into a tile: thread t takes chunk t % 4 of rows t / 4 + 32 i.
/// source(row, chunk, i) tells {address, bytes}; what lies beyond `bytes` becomes zero.
struct ChunkSource {
  const void* address;
  int bytes;
};
template <int kRows, class Machine, class Source>
REFERENT_DEVICE void copy_tile(Machine& machine, int tile, Source source) {
  constexpr int kRowsAtOnce = kThreads / kChunksPerRow;
  static_assert(kRows % kRowsAtOnce == 0, "every thread has as much to do");
  const int chunk = machine.thread() % kChunksPerRow;
  REFERENT_UNROLL
  for (int i = 0; i < kRows / kRowsAtOnce; ++i) {
    const int row = machine.thread() / kChunksPerRow + kRowsAtOnce * i;
    const ChunkSource from = source(row, chunk, i);
    machine.copy_chunk(tile + chunk_offset(row, chunk), from.address, from.bytes);
  }
}

/// Rows of a row-major matrix that is contiguous along the reduced dimension.
template <class T>
struct RowMajor {
  const T* data;
  long long stride;  ///< elements from row to row
  int rows, length;

  REFERENT_DEVICE ChunkSource chunk(int row, int begin) const {
    const int bytes = row < rows ? valid_bytes(length, begin, sizeof(T)) : 0;
    return {bytes > 0 ? data + row * stride + begin : data, bytes};
  }
};

}  // namespace referent::kernels
