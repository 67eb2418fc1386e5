// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/numbers.h"
#include "kernels/conditional_linear/linear_schedule.h"
#include "kernels/conditional_linear/params.h"
#include "kernels/hopper/tile.h"

namespace referent::kernels::hopper {

enum class Operand { kX, kZ, kWeight, kQ, kP, kY };
constexpr int kOperands = 6;

REFERENT_HOST_DEVICE constexpr Rows row_map(const ConditionalLinearParams& params) {
  return {params.batch, params.tokens, !params.dense};
}
REFERENT_HOST_DEVICE constexpr int blocks(const ConditionalLinearParams& params) {
  return row_map(params).tiles() * ceil_div(params.outputs, kColumns);
}

/// How TMA sees an operand. Flat rows are one sample of B N tokens.
inline TileMap tile_map(const ConditionalLinearParams& params, Operand operand, int rank_tile) {
  const bool flat = row_map(params).flat;
  const long long rows =
      flat ? static_cast<long long>(params.batch) * params.tokens : params.tokens;
  const long long samples = flat ? 1 : params.batch;
  const auto tokens = [&](const void* data, long long length, long long row, long long batch,
                          int box_rows) {
    return TileMap{data,
                   {length, rows, samples},
                   {row, samples == 1 ? rows * row : batch},
                   {kStep, box_rows, 1}};
  };
  const auto matrix = [](const void* data, long long length, long long count, long long row,
                         int box_rows) {
    return TileMap{data, {length, count, 1}, {row, count * row}, {kStep, box_rows, 1}};
  };
  const kernels::Rows& x = params.x;
  switch (operand) {
    case Operand::kX:
      return tokens(x.data, params.inputs, x.row_stride, x.batch_stride, kRows);
    case Operand::kZ: {
      const kernels::Rows& z = params.z.data != nullptr ? params.z : x;
      return tokens(z.data, params.low_rank_inputs, z.row_stride, z.batch_stride, kRows);
    }
    case Operand::kWeight:
      return matrix(params.weight, params.inputs, params.outputs, params.weight_stride, kColumns);
    case Operand::kQ:
      return matrix(params.q, params.low_rank_inputs, params.rank, params.q_column_stride,
                    rank_tile);
    case Operand::kP:
      return matrix(params.p, params.rank, params.outputs, params.p_stride, kColumns);
    case Operand::kY:
      break;
  }
  return tokens(params.y.data, params.outputs, params.y.row_stride, params.y.batch_stride,
                kGroupRows);
}

/// Shared memory in bytes: pipeline slots of A, B and Q tiles, later the output's staging; the
/// scaled bottleneck; a dense core; barriers.
template <int kRank>
struct LinearLayout {
  static constexpr int kStages = 3;
  static constexpr int kB = kRows * 128;
  static constexpr int kQ = kB + kColumns * 128;
  static constexpr int kSlot = kQ + kRank * 128;
  static constexpr int kStaging = 0;
  static constexpr int kStagingBytes = kRows * kColumns * 2;
  static_assert(kStagingBytes <= kStages * kSlot, "staging reuses the slots");
  static constexpr int kLow = kStages * kSlot;
  static constexpr int kCore = kLow + kRows * 128;
  static constexpr int kFull = kCore + kRank * 128;
  static constexpr int kEmpty = kFull + 8 * kStages;
  static constexpr int kBytes = kEmpty + 8 * kStages;
  static_assert(kSlot % kTileAlignment == 0 && kLow % kTileAlignment == 0 &&
                    kCore % kTileAlignment == 0,
                "swizzled tiles");
};

/// One block of the forward pass: kRows rows and kColumns outputs, by the steps of LinearSchedule.
/// A thread of the first warpgroup copies; each other warpgroup multiplies 64 rows.
template <class Machine, class Math, int kRank>
struct ConditionalLinearForward {
  using T = typename Math::Storage;
  using Layout = LinearLayout<kRank>;
  static constexpr int kLowRegisters = kRank / 2;
  static constexpr int kSumRegisters = kColumns / 2;

  Machine& machine;
  const ConditionalLinearParams& params;
  Rows rows;
  LinearSchedule schedule;
  int tile, column;
  int group;   ///< 0 copies
  int thread;  ///< of the group
  int group_row;

  REFERENT_DEVICE ConditionalLinearForward(Machine& block, const ConditionalLinearParams& problem)
      : machine(block),
        params(problem),
        rows(row_map(problem)),
        schedule(LinearSchedule::of(problem, kStep, kStep)) {
    const int columns = ceil_div(params.outputs, kColumns);
    tile = machine.block() / columns;
    column = machine.block() % columns * kColumns;
    group = machine.thread() / kGroupThreads;
    thread = machine.thread() % kGroupThreads;
    group_row = (group - 1) * kGroupRows;
  }

  REFERENT_DEVICE void run() {
    if (machine.thread() == 0) {
      for (int slot = 0; slot < Layout::kStages; ++slot) {
        machine.init_barrier(full(slot), 1);
        machine.init_barrier(empty(slot), kConsumers * kGroupThreads / 32);
      }
      machine.publish_barriers();
    }
    machine.sync();
    if (group == 0) {
      machine.template give_registers<40>();
      if (thread == 0) copy();
    } else {
      machine.template take_registers<232>();
      multiply();
    }
  }

 private:
  using Low = float[kLowRegisters];
  using Sum = float[kSumRegisters];

  REFERENT_DEVICE static int full(int slot) { return Layout::kFull + 8 * slot; }
  REFERENT_DEVICE static int empty(int slot) { return Layout::kEmpty + 8 * slot; }

  REFERENT_DEVICE void copy() {
    const typename Rows::Place first = rows.at(tile, 0);
    const int row = rows.flat ? tile * kRows : first.token;
    const int sample = rows.flat ? 0 : first.sample;
    for (int step = 0; step < schedule.count(); ++step) {
      const int slot = step % Layout::kStages;
      const int round = step / Layout::kStages;
      if (round > 0) machine.wait(empty(slot), (round - 1) & 1);
      const LinearSchedule::Step at = schedule.at(step);
      const bool low = at.kind == LinearStep::kLowRank || at.kind == LinearStep::kJoint;
      const bool a = at.kind != LinearStep::kUpdate;
      const bool b = at.kind != LinearStep::kLowRank;
      machine.expect_bytes(full(slot), (a ? tile_bytes(kRows) : 0) +
                                           (b ? tile_bytes(kColumns) : 0) +
                                           (low ? tile_bytes(kRank) : 0));
      const int base = slot * Layout::kSlot;
      const int k = at.index * kStep;
      if (a) {
        const Operand input = at.kind == LinearStep::kLowRank ? Operand::kZ : Operand::kX;
        machine.load_tile(input, base, full(slot), k, row, sample);
      }
      if (b) {
        const Operand matrix = at.kind == LinearStep::kUpdate ? Operand::kP : Operand::kWeight;
        machine.load_tile(matrix, base + Layout::kB, full(slot), k, column, 0);
      }
      if (low) machine.load_tile(Operand::kQ, base + Layout::kQ, full(slot), k, 0, 0);
    }
  }

  REFERENT_DEVICE void multiply() {
    Sum sum;
    Low low;
    REFERENT_UNROLL
    for (int i = 0; i < kSumRegisters; ++i) sum[i] = 0.0F;
    REFERENT_UNROLL
    for (int i = 0; i < kLowRegisters; ++i) low[i] = 0.0F;
    if (params.dense) load_core();
    if (schedule.joint) {
      steps<true, true>(sum, low, 0, schedule.base);
    } else {
      steps<false, true>(sum, low, 0, schedule.low_rank);
      steps<true, false>(sum, low, schedule.low_rank, schedule.first_update());
    }
    finish_bottleneck(low);
    update(sum, schedule.first_update());
    store(sum);
  }

  REFERENT_DEVICE void release(int step) {
    if (thread % 32 == 0) machine.arrive(empty(step % Layout::kStages));
  }

  /// Steps [begin, end), each slot given back when the next step's products are under way. The
  /// first step stands before the loop: products in flight around it must not meet the sums' first
  /// values.
  template <bool kBase, bool kLow>
  REFERENT_DEVICE void steps(Sum& sum, Low& low, int begin, int end) {
    if (begin == end) return;
    start_step<kBase, kLow>(sum, low, begin);
    for (int step = begin + 1; step < end; ++step) {
      start_step<kBase, kLow>(sum, low, step);
      machine.template wait_products<1>();
      release(step - 1);
    }
    machine.template wait_products<0>();
    hold<kBase, kLow>(sum, low);
    release(end - 1);
  }

  template <bool kBase, bool kLow>
  REFERENT_DEVICE void hold(Sum& sum, Low& low) {
    if constexpr (kBase) machine.hold(sum);
    if constexpr (kLow) machine.hold(low);
  }

  template <bool kBase, bool kLow>
  REFERENT_DEVICE void start_step(Sum& sum, Low& low, int step) {
    const int slot = step % Layout::kStages;
    machine.wait(full(slot), step / Layout::kStages & 1);
    hold<kBase, kLow>(sum, low);
    machine.begin_products();
    const int base = slot * Layout::kSlot;
    const int a = base + group_row * 128;
    REFERENT_UNROLL
    for (int k = 0; k < kStep / kFragment; ++k) {
      if constexpr (kBase) {
        machine.template multiply<Math>(sum, a + 32 * k, base + Layout::kB + 32 * k);
      }
      if constexpr (kLow) {
        machine.template multiply<Math>(low, a + 32 * k, base + Layout::kQ + 32 * k);
      }
    }
    machine.commit_products();
  }

  /// sum += scaled bottleneck P^T: its one step.
  REFERENT_DEVICE void update(Sum& sum, int step) {
    const int slot = step % Layout::kStages;
    machine.wait(full(slot), step / Layout::kStages & 1);
    machine.hold(sum);
    machine.begin_products();
    const int b = slot * Layout::kSlot + Layout::kB;
    REFERENT_UNROLL
    for (int k = 0; k < kRank / kFragment; ++k) {
      machine.template multiply<Math>(sum, low_tile() + 32 * k, b + 32 * k);
    }
    machine.commit_products();
    machine.template wait_products<0>();
    machine.hold(sum);
  }

  REFERENT_DEVICE int low_tile() const { return Layout::kLow + group_row * 128; }
  REFERENT_DEVICE void group_sync() { machine.sync_threads(group, kGroupThreads); }
  REFERENT_DEVICE void consumers_sync() {
    machine.sync_threads(kConsumers + 1, kConsumers * kGroupThreads);
  }

  /// Calls visit(row of the group, column, pair) for the pairs of neighbours that this thread
  /// holds.
  template <int kRegisters, class Visit>
  REFERENT_DEVICE void for_each_pair(float (&sums)[kRegisters], Visit visit) {
    REFERENT_UNROLL
    for (int n = 0; n < kRegisters / 4; ++n) {
      REFERENT_UNROLL
      for (int h = 0; h < 2; ++h)
        visit(sum_row(thread, h), sum_column(thread, n), &sums[4 * n + 2 * h]);
    }
  }

  REFERENT_DEVICE static Vector<T, 2> rounded(const float* pair) {
    return {{from_float<T>(pair[0]), from_float<T>(pair[1])}};
  }

  /// C^T of the block's sample as a B tile, zero beyond rank.
  REFERENT_DEVICE void load_core() {
    const long long size = static_cast<long long>(params.rank) * params.rank;
    const T* core = static_cast<const T*>(params.core) + rows.at(tile, 0).sample * size;
    for (int i = (group - 1) * kGroupThreads + thread; i < kRank * kRank;
         i += kConsumers * kGroupThreads) {
      const int k = i / kRank;
      const int n = i % kRank;
      const bool inside = k < params.rank && n < params.rank;
      const T value = inside ? machine.template load_global<T>(core + k * params.rank + n)
                             : from_float<T>(0.0F);
      machine.store_shared(Layout::kCore + element_offset(n, k), value);
    }
    machine.publish_shared();
    consumers_sync();
  }

  REFERENT_DEVICE void store_low(Low& low) {
    for_each_pair(low, [&](int row, int low_column, const float* pair) {
      machine.store_shared(low_tile() + element_offset(row, low_column), rounded(pair));
    });
    machine.publish_shared();
    group_sync();
  }

  /// Scales the bottleneck by the core and makes it the A operand of the update's step.
  REFERENT_DEVICE void finish_bottleneck(Low& low) {
    if (params.low != nullptr && column == 0) save(low);
    if (params.dense) {
      store_low(low);
      REFERENT_UNROLL
      for (int i = 0; i < kLowRegisters; ++i) low[i] = 0.0F;
      machine.hold(low);
      machine.begin_products();
      REFERENT_UNROLL
      for (int k = 0; k < kRank / kFragment; ++k) {
        machine.template multiply<Math>(low, low_tile() + 32 * k, Layout::kCore + 32 * k);
      }
      machine.commit_products();
      machine.template wait_products<0>();
      machine.hold(low);
      group_sync();  // nobody reads the unscaled tile any more
    } else {
      scale(low);
    }
    store_low(low);
  }

  REFERENT_DEVICE void save(Low& low) {
    for_each_pair(low, [&](int row, int low_column, const float* pair) {
      const typename Rows::Place at = rows.at(tile, group_row + row);
      if (!at.valid || low_column >= params.rank) return;
      const long long index = static_cast<long long>(at.sample) * params.tokens + at.token;
      machine.store_global(static_cast<T*>(params.low) + index * params.rank + low_column,
                           rounded(pair));
    });
  }

  REFERENT_DEVICE void scale(Low& low) {
    for_each_pair(low, [&](int row, int low_column, float* pair) {
      const typename Rows::Place at = rows.at(tile, group_row + row);
      if (!at.valid || low_column >= params.rank) return;
      const auto factors = machine.template load_global<Vector<T, 2>>(
          static_cast<const T*>(params.core) + static_cast<long long>(at.sample) * params.rank +
          low_column);
      pair[0] *= to_float(factors.values[0]);
      pair[1] *= to_float(factors.values[1]);
    });
  }

  REFERENT_DEVICE void add_bias(Sum& sum) {
    if (params.bias.data == nullptr) return;
    for_each_pair(sum, [&](int row, int sum_at, float* pair) {
      const typename Rows::Place at = rows.at(tile, group_row + row);
      if (!at.valid || column + sum_at >= params.outputs) return;
      const auto bias = machine.template load_global<Vector<T, 2>>(
          static_cast<const T*>(params.bias.data) + at.sample * params.bias.batch_stride +
          at.token * params.bias.row_stride + column + sum_at);
      pair[0] += to_float(bias.values[0]);
      pair[1] += to_float(bias.values[1]);
    });
  }

  /// Through tiles of 64 columns in the slots, which TMA clips at the output's edges.
  REFERENT_DEVICE void store(Sum& sum) {
    add_bias(sum);
    consumers_sync();  // the slots are free
    const int staging = Layout::kStaging + group_row * kColumns * 2;
    constexpr int kBox = kGroupRows * 128;
    for_each_pair(sum, [&](int row, int sum_at, const float* pair) {
      machine.store_shared(staging + sum_at / kStep * kBox + element_offset(row, sum_at % kStep),
                           rounded(pair));
    });
    machine.publish_shared();
    group_sync();
    const typename Rows::Place first = rows.at(tile, group_row);
    if (thread != 0 || !first.valid) return;
    const int row = rows.flat ? tile * kRows + group_row : first.token;
    for (int box = 0; box < kColumns / kStep && column + box * kStep < params.outputs; ++box) {
      machine.store_tile(Operand::kY, staging + box * kBox, column + box * kStep, row,
                         rows.flat ? 0 : first.sample);
    }
    machine.finish_stores();
  }
};

}  // namespace referent::kernels::hopper
