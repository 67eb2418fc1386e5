// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/common/tile.h"

/// Tiles of the kernels for compute capability 9.0: TMA brings them, wgmma reads them from shared
/// memory. Elements have 16 bits.
namespace referent::kernels::hopper {

constexpr int kGroupThreads = 128;  ///< of a warpgroup
constexpr int kGroupRows = 64;      ///< of a warpgroup's wgmma
constexpr int kConsumers = 2;       ///< warpgroups that multiply; one more copies
constexpr int kThreads = (kConsumers + 1) * kGroupThreads;
constexpr int kRows = kConsumers * kGroupRows;
constexpr int kColumns = 256;
constexpr int kStep = 64;      ///< elements along the reduced dimension: a row of 128 bytes
constexpr int kFragment = 16;  ///< elements that one wgmma reduces
constexpr int kTileAlignment = 1024;

using Rows = TileRows<kRows>;

REFERENT_HOST_DEVICE constexpr int tile_bytes(int rows) {
  return rows * 128;
}

/// Byte offset in a tile with 128-byte swizzle: 16-byte chunks are permuted within their row by XOR
/// with the row modulo 8. TMA writes and wgmma reads tiles so where they begin on 1024 bytes.
REFERENT_HOST_DEVICE constexpr int element_offset(int row, int column) {
  return row * 128 + ((column >> 3) ^ (row & 7)) * kChunkBytes + (column & 7) * 2;
}

/// wgmma's matrix descriptor of a K-major tile with 128-byte swizzle at a shared address (PTX ISA,
/// "Matrix Descriptor"): bits 0-13 the address, 16-29 the leading offset (unused in this mode),
/// 32-45 the bytes between groups of eight rows, each in units of 16 bytes; 62-63 the swizzle.
/// Fragment k of a row begins 32 k bytes after the tile.
REFERENT_HOST_DEVICE constexpr std::uint64_t matrix_descriptor(std::uint32_t address) {
  const std::uint64_t start = (address & 0x3ffffu) >> 4;
  return start | std::uint64_t{1} << 16 | std::uint64_t{1024 >> 4} << 32 | std::uint64_t{1} << 62;
}

/// Where pair h of 8-column tile n of a warpgroup's [64, N] sums lies: see accumulator_row.
REFERENT_HOST_DEVICE constexpr int sum_row(int thread_of_group, int h) {
  return (thread_of_group >> 5) * 16 + accumulator_row(thread_of_group & 31, h);
}
REFERENT_HOST_DEVICE constexpr int sum_column(int thread_of_group, int n) {
  return 8 * n + accumulator_column(thread_of_group & 31);
}

/// A tensor that TMA walks in boxes, innermost dimension first; strides in elements. What a box has
/// outside the tensor is read as zero and not written.
struct TileMap {
  const void* data;
  long long sizes[3];
  long long strides[2];
  int box[3];
};

}  // namespace referent::kernels::hopper
