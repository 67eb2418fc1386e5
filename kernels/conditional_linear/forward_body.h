// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/bottleneck.h"
#include "kernels/common/epilogue.h"
#include "kernels/common/pipeline.h"
#include "kernels/conditional_linear/linear_schedule.h"
#include "kernels/conditional_linear/params.h"

namespace referent::kernels {

/// Shared memory in bytes: pipeline slots of A, B and Q tiles, later the output's staging; the
/// scaled bottleneck; a dense core.
template <class Math, int kRank>
struct LinearLayout {
  static constexpr int kStages = 3;
  static constexpr int kB = tile_bytes(kRowTile);
  static constexpr int kQ = kB + tile_bytes(kColumnTile);
  static constexpr int kSlot = kQ + tile_bytes(kRank);
  static constexpr int kStaging = 0;
  static_assert(kStagingBytes <= kStages * kSlot, "staging reuses the slots");
  static constexpr int kLow = kStages * kSlot;
  static constexpr int kCore = kLow + Bottleneck<Math, kRank>::kBytes;

  REFERENT_HOST_DEVICE static constexpr int bytes(bool dense) {
    return kCore + (dense ? Bottleneck<Math, kRank>::kCoreBytes : 0);
  }
};

/// One block of the forward pass: kRowTile rows and kColumnTile outputs. Blocks of the same rows
/// are neighbours, so that x comes from L2. Every block sums the bottleneck of its rows anew, which
/// costs kRank / kColumnTile of the base product and spares a launch and a pass through memory.
template <class Machine, class Math, int kRank>
struct ConditionalLinearForward {
  using T = typename Math::Storage;
  using Low = Bottleneck<Math, kRank>;
  using Layout = LinearLayout<Math, kRank>;
  static constexpr int kStep = kStepElements<T>;

  Machine& machine;
  const ConditionalLinearParams& params;
  RowMap rows;
  LinearSchedule schedule;
  int tile, column;
  float sum[2][8][4] = {};
  typename Low::Sum low = {};

  REFERENT_HOST_DEVICE static constexpr RowMap row_map(const ConditionalLinearParams& params) {
    return {params.batch, params.tokens, !params.dense};
  }
  REFERENT_HOST_DEVICE static constexpr int blocks(const ConditionalLinearParams& params) {
    return row_map(params).tiles() * ceil_div(params.outputs, kColumnTile);
  }

  REFERENT_DEVICE ConditionalLinearForward(Machine& block, const ConditionalLinearParams& problem)
      : machine(block),
        params(problem),
        rows(row_map(problem)),
        schedule(LinearSchedule::of(problem, kStep, kRank)) {
    const int columns = ceil_div(params.outputs, kColumnTile);
    tile = machine.block() / columns;
    column = machine.block() % columns * kColumnTile;
  }

  REFERENT_DEVICE void run() {
    if (params.dense) {
      const long long size = static_cast<long long>(params.rank) * params.rank;
      const T* core = static_cast<const T*>(params.core) + rows.at(tile, 0).sample * size;
      Low::load_core(machine, core, params.rank, Layout::kCore);
    }
    RowMap::Place places[2];  // of the rows that this thread copies
    REFERENT_UNROLL
    for (int i = 0; i < 2; ++i) {
      places[i] = rows.at(tile, machine.thread() / kChunksPerRow + kThreads / kChunksPerRow * i);
    }
    run_pipeline<Layout::kStages>(
        machine, schedule.count(), [&](int step, int slot) { copy_step(step, slot, places); },
        [&](int step, int slot) {
          if (step == schedule.first_update()) finish_bottleneck();
          multiply_step(step, slot);
        });
    const MutableRows& y = params.y;
    store_output<T>(
        machine, sum, Layout::kStaging, rows, tile, column, params.outputs,
        {static_cast<const T*>(params.bias.data), params.bias.batch_stride, params.bias.row_stride},
        {nullptr, 0, 0}, {static_cast<T*>(y.data), y.batch_stride, y.row_stride});
  }

 private:
  REFERENT_DEVICE void copy_step(int step, int slot, const RowMap::Place (&places)[2]) {
    const LinearSchedule::Step at = schedule.at(step);
    const int begin = at.index * kStep;
    const int base = slot * Layout::kSlot;
    constexpr int kChunk = kChunkBytes / sizeof(T);
    if (at.kind != LinearStep::kUpdate) {
      const bool reads_z = at.kind == LinearStep::kLowRank;
      const Rows& input = reads_z ? params.z : params.x;
      const int length = reads_z ? params.low_rank_inputs : params.inputs;
      const T* data = static_cast<const T*>(input.data);
      copy_tile<kRowTile>(machine, base, [&](int, int chunk, int i) {
        const RowMap::Place& place = places[i];
        const int first = begin + kChunk * chunk;
        const int bytes = place.valid ? valid_bytes(length, first, sizeof(T)) : 0;
        const long long offset =
            place.sample * input.batch_stride + place.token * input.row_stride + first;
        return ChunkSource{bytes > 0 ? data + offset : data, bytes};
      });
    }
    if (at.kind != LinearStep::kLowRank) {
      const bool update = at.kind == LinearStep::kUpdate;
      const RowMajor<T> b{static_cast<const T*>(update ? params.p : params.weight),
                          update ? params.p_stride : params.weight_stride, params.outputs,
                          update ? params.rank : params.inputs};
      copy_tile<kColumnTile>(machine, base + Layout::kB, [&](int row, int chunk, int) {
        return b.chunk(column + row, begin + kChunk * chunk);
      });
    }
    if (at.kind == LinearStep::kLowRank || at.kind == LinearStep::kJoint) {
      const RowMajor<T> q{static_cast<const T*>(params.q), params.q_column_stride, params.rank,
                          params.low_rank_inputs};
      copy_tile<kRank>(machine, base + Layout::kQ, [&](int row, int chunk, int) {
        return q.chunk(row, begin + kChunk * chunk);
      });
    }
  }

  REFERENT_DEVICE void multiply_step(int step, int slot) {
    const LinearSchedule::Step at = schedule.at(step);
    const WarpPlace place = warp_place(machine.thread());
    const int base = slot * Layout::kSlot;
    const int a_tile =
        at.kind == LinearStep::kUpdate ? Layout::kLow + at.index * tile_bytes(kRowTile) : base;
    REFERENT_UNROLL
    for (int fragment = 0; fragment < kFragmentsPerRow; ++fragment) {
      Operand<Math, 4> a[2];
      load_a<Math>(machine, a, a_tile, place.row, place.lane, fragment);
      if (at.kind != LinearStep::kLowRank) {
        multiply_tile<Math>(machine, sum, a, base + Layout::kB, kColumnTile / 2 * place.half,
                            place.lane, fragment);
      }
      if (at.kind == LinearStep::kLowRank || at.kind == LinearStep::kJoint) {
        multiply_tile<Math>(machine, low, a, base + Layout::kQ, Low::first_column(place),
                            place.lane, fragment);
      }
    }
  }

  /// Scales the bottleneck by the core and makes it the A operand of the update's steps.
  REFERENT_DEVICE void finish_bottleneck() {
    if (params.low != nullptr && column == 0) {
      Low::save(machine, low, rows, tile, static_cast<T*>(params.low), params.rank);
    }
    if (params.dense) {
      Low::store(machine, low, Layout::kLow);
      machine.sync();
      Low::multiply_core(machine, low, Layout::kLow, Layout::kCore);
      machine.sync();
    } else {
      Low::scale(machine, low, rows, tile, static_cast<const T*>(params.core), params.rank);
    }
    Low::store(machine, low, Layout::kLow);
    machine.sync();
  }
};

}  // namespace referent::kernels
