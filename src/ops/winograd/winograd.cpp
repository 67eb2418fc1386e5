// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/winograd.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <vector>

#include "kernels.h"

namespace referent::ops {
namespace {

using torch::Tensor;
using winograd::FilterStrides;
using winograd::Geometry;
using winograd::Kernels;

constexpr std::int64_t kChannels = 32;  ///< a multiple of every panel width

// Heights of tiles. What a network amplifies is the rounding of its outputs.
constexpr std::int64_t kOfOutputs = 2;
constexpr std::int64_t kOfGradients = 4;

std::int64_t tile_height_of(const Tensor& packed) {
  return packed.size(1) / Geometry::kPointColumns - Geometry::kTaps + 1;
}

// How many tiles one thread has at hand: their points stay in its cache, and a filter that does not
// is read for more of them at a time.
constexpr std::int64_t kFewTiles = 14;
constexpr std::int64_t kManyTiles = 56;
constexpr std::int64_t kCachedPoints = 1 << 16;
constexpr std::int64_t kCachedFilter = 1 << 21;

std::int64_t tiles_at_once(const Geometry& geometry) {
  if (geometry.points() * geometry.input * geometry.output > kCachedFilter) return kManyTiles;
  return std::clamp(kCachedPoints / (geometry.points() * geometry.input), kFewTiles, 2 * kFewTiles);
}

/// `data` [M, C, 3, 3] as `strides` say, in the memory of `weight`.
Tensor pack(const Tensor& weight, std::int64_t tile_height, std::int64_t input, std::int64_t output,
            const float* data, const FilterStrides& strides) {
  const Kernels& kernels = winograd::kernels().front();
  const Geometry geometry{.tile_height = tile_height,
                          .batch = 0,
                          .height = 0,
                          .width = 0,
                          .input = input,
                          .output = output};
  const std::int64_t panels = output / kernels.panel_width;
  Tensor packed =
      at::empty({panels, geometry.points(), input, kernels.panel_width}, weight.options());
  auto* to = packed.mutable_data_ptr<float>();
  at::parallel_for(0, panels, 1, [&](std::int64_t begin, std::int64_t end) {
    kernels.pack(geometry, data, strides, begin, end, to);
  });
  return packed;
}

FilterStrides strides_of(const Tensor& weight) {
  return {.output = weight.stride(0),
          .input = weight.stride(1),
          .row = weight.stride(2),
          .column = weight.stride(3)};
}

/// So many floats of this thread's own, which it keeps: new memory would cost as much as its use.
float* thread_scratch(std::int64_t size) {
  thread_local std::vector<float> scratch;
  const auto wanted = static_cast<std::size_t>(size);
  if (scratch.size() < wanted) scratch = std::vector<float>(wanted);
  return scratch.data();
}

void convolve(const Tensor& y, const Tensor& x, const Tensor& packed,
              const std::optional<Tensor>& bias, bool onto, bool relu) {
  const Tensor maps = x.contiguous(at::MemoryFormat::ChannelsLast);
  const Geometry geometry{
      tile_height_of(packed), x.size(0), x.size(2), x.size(3), x.size(1), y.size(1)};
  const std::int64_t tiles = geometry.tiles();
  if (tiles == 0) return;
  const Kernels& kernels = winograd::kernels().front();
  const std::int64_t panels = packed.size(0);
  const std::int64_t parts = (tiles - 1) / tiles_at_once(geometry) + 1;
  // Where there are fewer parts than threads, each is shared among threads by its panels.
  const std::int64_t groups =
      std::min<std::int64_t>(panels, (at::get_num_threads() - 1) / parts + 1);
  const Tensor per_channel = bias ? bias->contiguous() : Tensor();
  const winograd::Epilogue epilogue{
      .bias = bias ? per_channel.const_data_ptr<float>() : nullptr, .onto = onto, .relu = relu};
  const auto* from = maps.const_data_ptr<float>();
  const auto* filter = packed.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  at::parallel_for(0, parts * groups, 1, [&](std::int64_t begin, std::int64_t end) {
    float* scratch = thread_scratch(kernels.scratch_size(geometry, (tiles - 1) / parts + 1));
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t part = item / groups;
      const std::int64_t group = item % groups;
      const auto share = [](std::int64_t all, std::int64_t i, std::int64_t of) {
        return all * i / of;
      };
      const std::int64_t tile = share(tiles, part, parts);
      const std::int64_t panel = share(panels, group, groups);
      kernels.convolve(geometry,
                       {.first_tile = tile,
                        .tiles = share(tiles, part + 1, parts) - tile,
                        .first_panel = panel,
                        .panels = share(panels, group + 1, groups) - panel},
                       from, filter, epilogue, scratch, to);
    }
  });
}

// A filter that is packed for one use goes through the caches a few input channels at a time,
// which are summed in parts of a fixed size, whatever the number of threads. It pays as long as a
// thread's sums stay in its cache.
constexpr std::int64_t kPartChannels = 256;
constexpr std::int64_t kChunkFilter = 1 << 17;  ///< packed floats at a time
constexpr std::int64_t kMostSums = 5 << 16;     ///< floats of a part

void convolve_by_channels(const Tensor& y, const Tensor& x, const Tensor& weight,
                          const winograd::Epilogue& epilogue) {
  const Tensor maps = x.contiguous(at::MemoryFormat::ChannelsLast);
  const Geometry geometry{kOfOutputs, x.size(0), x.size(2), x.size(3), x.size(1), y.size(1)};
  const Kernels& kernels = winograd::kernels().front();
  const FilterStrides strides = strides_of(weight);
  const std::int64_t panels = geometry.output / kernels.panel_width;
  const std::int64_t of_channel = geometry.points() * geometry.output;
  const std::int64_t chunk =
      std::clamp(kChunkFilter / of_channel / kChannels * kChannels, kChannels, kPartChannels);
  const std::int64_t parts = (geometry.input - 1) / kPartChannels + 1;
  const std::int64_t part_stride =
      panels * geometry.points() * Kernels::stride(geometry.tiles(), kernels.panel_width);
  const Tensor sums = at::empty({parts * part_stride}, maps.options());
  const auto* from = maps.const_data_ptr<float>();
  const auto* filter = weight.const_data_ptr<float>();
  auto* to_sums = sums.mutable_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t packed_size = of_channel * chunk;
    float* packed =
        thread_scratch(packed_size + geometry.points() * Kernels::stride(geometry.tiles(), chunk));
    for (std::int64_t part = begin; part < end; ++part) {
      const std::int64_t first = part * kPartChannels;
      const std::int64_t last = std::min(first + kPartChannels, geometry.input);
      for (std::int64_t c = first; c < last; c += chunk) {
        Geometry some = geometry;
        some.input = std::min(chunk, last - c);
        kernels.pack(some, filter + c * strides.input, strides, 0, panels, packed);
        kernels.accumulate(geometry, some.input, from + c, packed, /*onto=*/c > first,
                           packed + packed_size, to_sums + part * part_stride);
      }
    }
  });
  at::parallel_for(0, panels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t panel = begin; panel < end; ++panel) {
      kernels.finish(geometry, panel, to_sums, parts, part_stride, epilogue, to);
    }
  });
}

/// The filter of the convolution that turns the gradient of the outputs into that of the inputs.
Tensor pack_transposed(const Tensor& weight) {
  const FilterStrides strides = strides_of(weight);
  return pack(weight, kOfGradients, weight.size(0), weight.size(1),
              weight.const_data_ptr<float>() + 2 * (strides.row + strides.column),
              {.output = strides.input,
               .input = strides.output,
               .row = -strides.row,
               .column = -strides.column});
}

}  // namespace

bool winograd_takes(const Tensor& weight, std::int64_t height, std::int64_t width,
                    at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation) {
  const auto are = [](at::IntArrayRef values, std::int64_t wanted) {
    return std::all_of(values.begin(), values.end(),
                       [&](std::int64_t value) { return value == wanted; });
  };
  if (winograd::kernels().empty() || !weight.is_cpu() || weight.scalar_type() != torch::kFloat32 ||
      weight.size(2) != Geometry::kTaps || weight.size(3) != Geometry::kTaps || !are(stride, 1) ||
      !are(padding, 1) || !are(dilation, 1) || weight.size(0) % kChannels != 0 ||
      weight.size(1) % kChannels != 0) {
    return false;
  }
  const Geometry geometry{kOfOutputs, 1, height, width, weight.size(1), weight.size(0)};
  return geometry.tiles() * geometry.points() * 2 <= height * width * 9;
}

Tensor winograd_pack(const Tensor& weight) {
  return pack(weight, kOfOutputs, weight.size(1), weight.size(0), weight.const_data_ptr<float>(),
              strides_of(weight));
}

Tensor winograd_convolution(const Tensor& x, const Tensor& packed,
                            const std::optional<Tensor>& bias, bool relu) {
  Tensor y = at::empty({x.size(0), packed.size(0) * packed.size(3), x.size(2), x.size(3)},
                       x.options().memory_format(at::MemoryFormat::ChannelsLast));
  convolve(y, x, packed, bias, /*onto=*/false, relu);
  return y;
}

Tensor winograd_convolution_once(const Tensor& x, const Tensor& weight,
                                 const std::optional<Tensor>& bias, bool relu) {
  const Geometry geometry{kOfOutputs, x.size(0), x.size(2), x.size(3), x.size(1), weight.size(0)};
  if (geometry.tiles() * geometry.points() * geometry.output > kMostSums) {
    return winograd_convolution(x, winograd_pack(weight), bias, relu);
  }
  Tensor y = at::empty({x.size(0), weight.size(0), x.size(2), x.size(3)},
                       x.options().memory_format(at::MemoryFormat::ChannelsLast));
  if (geometry.tiles() == 0) return y;
  const Tensor per_channel = bias ? bias->contiguous() : Tensor();
  convolve_by_channels(
      y, x, weight, {.bias = bias ? per_channel.const_data_ptr<float>() : nullptr, .relu = relu});
  return y;
}

void winograd_convolution_onto(const Tensor& sum, const Tensor& x, const Tensor& packed,
                               const std::optional<Tensor>& bias, bool relu) {
  convolve(sum, x, packed, bias, /*onto=*/true, relu);
}

Tensor winograd_input_gradient(const Tensor& gradient, const Tensor& weight) {
  return winograd_convolution(gradient, pack_transposed(weight), /*bias=*/{}, /*relu=*/false);
}

Tensor winograd_weight_gradient(const Tensor& x, const Tensor& gradient, const Tensor& weight) {
  const Tensor maps = x.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor of_outputs = gradient.contiguous(at::MemoryFormat::ChannelsLast);
  const Geometry geometry{kOfGradients, x.size(0), x.size(2),
                          x.size(3),    x.size(1), gradient.size(1)};
  const std::int64_t tiles = geometry.tiles();
  if (tiles == 0) return at::zeros_like(weight);
  Tensor of_weight = at::empty_like(weight);
  const Kernels& kernels = winograd::kernels().front();
  const std::int64_t panels = geometry.output / kernels.panel_width;
  constexpr std::int64_t kTogether = 128;  // their points stay in a cache that cores share
  const std::int64_t most = std::min(tiles, kTogether);
  const auto floats = [&](std::int64_t count) { return at::empty({count}, maps.options()); };
  const Tensor inputs = floats(geometry.points() * Kernels::stride(most, geometry.input));
  const Tensor outputs =
      floats(panels * geometry.points() * Kernels::stride(most, kernels.panel_width));
  const Tensor sums = floats(geometry.points() * geometry.input * geometry.output);
  auto* to_inputs = inputs.mutable_data_ptr<float>();
  auto* to_outputs = outputs.mutable_data_ptr<float>();
  auto* to_sums = sums.mutable_data_ptr<float>();
  auto* to_weight = of_weight.mutable_data_ptr<float>();
  const auto* from_maps = maps.const_data_ptr<float>();
  const auto* from_outputs = of_outputs.const_data_ptr<float>();
  for (std::int64_t first = 0; first < tiles; first += kTogether) {
    const std::int64_t count = std::min(tiles - first, kTogether);
    at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
      kernels.gather(geometry, first, count, begin, end, from_maps, from_outputs, to_inputs,
                     to_outputs);
    });
    at::parallel_for(0, geometry.points(), 1, [&](std::int64_t begin, std::int64_t end) {
      kernels.correlate(geometry, count, begin, end, to_inputs, to_outputs, /*onto=*/first > 0,
                        to_sums);
    });
  }
  at::parallel_for(0, panels, 1, [&](std::int64_t begin, std::int64_t end) {
    kernels.unpack(geometry, to_sums, begin, end, strides_of(weight), to_weight);
  });
  return of_weight;
}

}  // namespace referent::ops
