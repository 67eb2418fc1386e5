// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/bottleneck.h"
#include "kernels/common/epilogue.h"
#include "kernels/common/pipeline.h"
#include "kernels/conditional_conv2d/params.h"

namespace referent::kernels {

/// The reduced dimension of the down convolution: all channels of tap (0, 0), then of (0, 1), ...
struct ConvolutionSchedule {
  int kernel_height, kernel_width, steps_per_tap;

  struct Step {
    int tap, index;   ///< step `index` over the channels
    int down, right;  ///< from an output pixel to the input pixel of the tap
  };

  REFERENT_HOST_DEVICE static constexpr ConvolutionSchedule of(
      const ConditionalConv2dParams& params, int step_elements) {
    return {params.kernel_height, params.kernel_width, ceil_div(params.channels, step_elements)};
  }
  REFERENT_HOST_DEVICE constexpr int count() const {
    return kernel_height * kernel_width * steps_per_tap;
  }
  REFERENT_HOST_DEVICE constexpr Step at(int step) const {
    const int tap = step / steps_per_tap;
    return {tap, step % steps_per_tap, tap / kernel_width - kernel_height / 2,
            tap % kernel_width - kernel_width / 2};
  }
};

/// Shared memory in bytes: pipeline slots of A and B tiles, the latter as tall as an up weight's;
/// the scaled bottleneck. The output's staging reuses the slots.
template <class Math, int kRank>
struct Conv2dLayout {
  static constexpr int kStages = 3;
  static constexpr int kB = tile_bytes(kRowTile);
  static constexpr int kSlot = kB + tile_bytes(kColumnTile);
  static constexpr int kStaging = 0;
  static_assert(kStagingBytes <= kStages * kSlot, "staging reuses the slots");
  static constexpr int kLow = kStages * kSlot;
  static constexpr int kBytes = kLow + Bottleneck<Math, kRank>::kBytes;
};

/// One block: kRowTile pixels and all outputs. The down convolution is an implicit product over
/// taps and channels whose sums stay in registers; scaled, they are multiplied by one slice of the
/// up weight after another.
template <class Machine, class Math, int kRank>
struct ConditionalConv2dForward {
  using T = typename Math::Storage;
  using Low = Bottleneck<Math, kRank>;
  using Layout = Conv2dLayout<Math, kRank>;
  static constexpr int kStep = kStepElements<T>;
  static constexpr int kChunk = kChunkBytes / sizeof(T);

  Machine& machine;
  const ConditionalConv2dParams& params;
  RowMap rows;
  int tile;

  REFERENT_HOST_DEVICE static constexpr RowMap row_map(const ConditionalConv2dParams& params) {
    return {params.batch, params.height * params.width, true};
  }

  REFERENT_DEVICE ConditionalConv2dForward(Machine& block, const ConditionalConv2dParams& problem)
      : machine(block), params(problem), rows(row_map(problem)), tile(block.block()) {}

  REFERENT_DEVICE void run() {
    sum_bottleneck();
    for (int column = 0; column < params.outputs; column += kColumnTile) {
      float sum[2][8][4] = {};
      run_pipeline<Layout::kStages>(
          machine, Low::kSteps, [&](int step, int slot) { copy_up(column, step, slot); },
          [&](int step, int slot) {
            multiply<8>(sum, Layout::kLow + step * tile_bytes(kRowTile),
                        slot * Layout::kSlot + Layout::kB, kColumnTile / 2);
          });
      const long long pixel = params.outputs;
      const long long image = pixel * params.height * params.width;
      store_output<T>(machine, sum, Layout::kStaging, rows, tile, column, params.outputs,
                      {static_cast<const T*>(params.up_bias), 0, 0},
                      {static_cast<const T*>(params.residual), image, pixel},
                      {static_cast<T*>(params.y), image, pixel});
      machine.sync();  // the next slice's copies overwrite the staging
    }
  }

 private:
  struct Pixel {
    int sample, row, column;
    bool valid;
  };

  REFERENT_DEVICE void sum_bottleneck() {
    typename Low::Sum low = {};
    Pixel pixels[2];  // that this thread copies
    REFERENT_UNROLL
    for (int i = 0; i < 2; ++i) {
      const RowMap::Place at =
          rows.at(tile, machine.thread() / kChunksPerRow + kThreads / kChunksPerRow * i);
      pixels[i] = {at.sample, at.token / params.width, at.token % params.width, at.valid};
    }
    const ConvolutionSchedule schedule = ConvolutionSchedule::of(params, kStep);
    run_pipeline<Layout::kStages>(
        machine, schedule.count(),
        [&](int step, int slot) { copy_down(schedule.at(step), slot, pixels); },
        [&](int, int slot) {
          multiply<Low::kTiles>(low, slot * Layout::kSlot, slot * Layout::kSlot + Layout::kB,
                                kRank / 2);
        });
    add_down_bias(low);
    if (params.low != nullptr) {
      Low::save(machine, low, rows, tile, static_cast<T*>(params.low), params.rank);
    }
    Low::scale(machine, low, rows, tile, static_cast<const T*>(params.core), params.rank);
    Low::store(machine, low, Layout::kLow);
  }

  REFERENT_DEVICE void copy_down(const ConvolutionSchedule::Step& at, int slot,
                                 const Pixel (&pixels)[2]) {
    const int begin = at.index * kStep;
    const T* x = static_cast<const T*>(params.x);
    copy_tile<kRowTile>(machine, slot * Layout::kSlot, [&](int, int chunk, int i) {
      const int row = pixels[i].row + at.down;
      const int column = pixels[i].column + at.right;
      const bool inside = pixels[i].valid && row >= 0 && row < params.height && column >= 0 &&
                          column < params.width;
      const int first = begin + kChunk * chunk;
      const int bytes = inside ? valid_bytes(params.channels, first, sizeof(T)) : 0;
      const long long offset = pixels[i].sample * params.x_batch_stride +
                               row * params.x_row_stride + column * params.x_column_stride + first;
      return ChunkSource{bytes > 0 ? x + offset : x, bytes};
    });
    const long long filter =
        static_cast<long long>(params.kernel_height) * params.kernel_width * params.channels;
    const RowMajor<T> down{static_cast<const T*>(params.down_weight) +
                               static_cast<long long>(at.tap) * params.channels,
                           filter, params.rank, params.channels};
    copy_tile<kRank>(machine, slot * Layout::kSlot + Layout::kB, [&](int row, int chunk, int) {
      return down.chunk(row, begin + kChunk * chunk);
    });
  }

  REFERENT_DEVICE void copy_up(int column, int step, int slot) {
    const RowMajor<T> up{static_cast<const T*>(params.up_weight), params.rank, params.outputs,
                         params.rank};
    copy_tile<kColumnTile>(machine, slot * Layout::kSlot + Layout::kB,
                           [&](int row, int chunk, int) {
                             return up.chunk(column + row, step * kStep + kChunk * chunk);
                           });
  }

  /// sum += A B^T over a step; B has `columns` columns a warp.
  template <int kTiles>
  REFERENT_DEVICE void multiply(float (&sum)[2][kTiles][4], int a_tile, int b_tile, int columns) {
    const WarpPlace place = warp_place(machine.thread());
    REFERENT_UNROLL
    for (int fragment = 0; fragment < kFragmentsPerRow; ++fragment) {
      Operand<Math, 4> a[2];
      load_a<Math>(machine, a, a_tile, place.row, place.lane, fragment);
      multiply_tile<Math>(machine, sum, a, b_tile, columns * place.half, place.lane, fragment);
    }
  }

  REFERENT_DEVICE void add_down_bias(typename Low::Sum& low) {
    if (params.down_bias == nullptr) return;
    const WarpPlace place = warp_place(machine.thread());
    for_each_pair(low, place.lane, [&](int, int column, float* pair) {
      const int first = Low::first_column(place) + column;
      if (first >= params.rank) return;
      const auto bias = machine.template load_global<Vector<T, 2>>(
          static_cast<const T*>(params.down_bias) + first);
      pair[0] += to_float(bias.values[0]);
      pair[1] += to_float(bias.values[1]);
    });
  }
};

}  // namespace referent::kernels
