// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/portable.h"

namespace referent::kernels {

/// The tiles of the portable kernels: blocks of four warps, 2 x 2 over an output tile.
constexpr int kThreads = 128;
constexpr int kRowTile = 64;      ///< rows of an output tile
constexpr int kColumnTile = 128;  ///< columns of an output tile
constexpr int kWarpRows = kRowTile / 2;
constexpr int kMaxRank = 64;  ///< of a bottleneck
/// Operands pass through shared memory in rows of 64 bytes along the reduced dimension, whatever
/// the element: a fragment's 32 bytes are 16 elements of 2 bytes (m16n8k16) or 8 of 4 (m16n8k8).
constexpr int kRowBytes = 64;
constexpr int kChunkBytes = 16;  ///< of one cp.async and one row of ldmatrix
constexpr int kChunksPerRow = kRowBytes / kChunkBytes;
constexpr int kFragmentsPerRow = kRowBytes / 32;

template <class T>
constexpr int kStepElements = kRowBytes / static_cast<int>(sizeof(T));

REFERENT_HOST_DEVICE constexpr int tile_bytes(int rows) {
  return rows * kRowBytes;
}

/// Byte offset of a 16-byte chunk in a tile. Two rows share a line of 128 bytes (all 32 banks), and
/// the chunks of line i are permuted by XOR with i: the eight rows of an ldmatrix phase, and the
/// eight lanes of a cp.async phase, then touch every bank once.
REFERENT_HOST_DEVICE constexpr int chunk_offset(int row, int chunk) {
  const int line = row >> 1;
  const int slot = ((row & 1) << 2 | chunk) ^ (line & 7);
  return line * 128 + slot * kChunkBytes;
}

/// Byte offset of a byte of a row.
REFERENT_HOST_DEVICE constexpr int byte_offset(int row, int byte) {
  return chunk_offset(row, byte / kChunkBytes) + byte % kChunkBytes;
}

/// The chunk of a tile that a lane addresses for ldmatrix.x4: registers 0..3 of an A fragment are
/// rows 0-7 and 8-15 of the low 16 bytes, then of the high ones; of two B fragments, the low and
/// high bytes of columns 0-7, then of 8-15.
struct LaneChunk {
  int row, chunk;
};
REFERENT_HOST_DEVICE constexpr LaneChunk a_lane_chunk(int lane) {
  return {lane & 15, lane >> 4};
}
REFERENT_HOST_DEVICE constexpr LaneChunk b_lane_chunk(int lane) {
  return {(lane & 7) | (lane & 16) >> 1, lane >> 3 & 1};
}

/// Where register pair h (0, 1) of a 16 x 8 accumulator lies: rows lane / 4 + 8 h, columns
/// 2 (lane % 4) and the next.
REFERENT_HOST_DEVICE constexpr int accumulator_row(int lane, int h) {
  return (lane >> 2) + 8 * h;
}
REFERENT_HOST_DEVICE constexpr int accumulator_column(int lane) {
  return 2 * (lane & 3);
}

/// Rows of float that accumulators pass through on their way out. Eight floats of padding put the
/// four rows of a half warp's 8-byte stores on different banks.
constexpr int kStagingStride = kColumnTile + 8;
constexpr int kStagingBytes = kRowTile * kStagingStride * 4;

/// How rows of [B, N, ...] are dealt to tiles of kHeight rows. Where a tile may hold rows of
/// several samples (flat), only the last tile is ragged; otherwise the last of every sample.
template <int kHeight>
struct TileRows {
  int batch, tokens;
  bool flat;

  struct Place {
    int sample, token;
    bool valid;
  };

  REFERENT_HOST_DEVICE constexpr int tiles_per_sample() const { return ceil_div(tokens, kHeight); }
  REFERENT_HOST_DEVICE constexpr int tiles() const {
    return flat ? ceil_div(batch * tokens, kHeight) : batch * tiles_per_sample();
  }
  REFERENT_HOST_DEVICE constexpr Place at(int tile, int row) const {
    if (flat) {
      const int index = tile * kHeight + row;
      return {index / tokens, index % tokens, index < batch * tokens};
    }
    const int token = tile % tiles_per_sample() * kHeight + row;
    return {tile / tiles_per_sample(), token, token < tokens};
  }
};
using RowMap = TileRows<kRowTile>;

/// Bytes of a 16-byte chunk that lie before the end of a row of `length` elements, when the chunk
/// begins `begin` elements into it.
REFERENT_HOST_DEVICE constexpr int valid_bytes(int length, int begin, int element_bytes) {
  const int bytes = (length - begin) * element_bytes;
  return bytes < 0 ? 0 : bytes < kChunkBytes ? bytes : kChunkBytes;
}

}  // namespace referent::kernels
