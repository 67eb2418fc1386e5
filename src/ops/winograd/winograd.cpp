// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/winograd.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "tiles.h"

namespace referent::ops {
namespace {

using torch::Tensor;
using winograd::Geometry;

constexpr std::int64_t kChannels = 32;  ///< a multiple of every panel width

// How many tiles one thread has at hand: their points stay in its cache, and a filter that does not
// is read for more of them at a time.
constexpr std::int64_t kFewTiles = 14;
constexpr std::int64_t kManyTiles = 56;
constexpr std::int64_t kCachedPoints = 1 << 16;
constexpr std::int64_t kCachedFilter = 1 << 21;

std::int64_t tiles_at_once(const Geometry& geometry) {
  if (Geometry::kPoints * geometry.input * geometry.output > kCachedFilter) return kManyTiles;
  return std::clamp(kCachedPoints / (Geometry::kPoints * geometry.input), kFewTiles, 2 * kFewTiles);
}

Tensor pack(const Tensor& weight, const Geometry& geometry, const winograd::Filter& filter) {
  const winograd::Kernels& kernels = winograd::kernels().front();
  const std::int64_t panels = geometry.output / kernels.panel_width;
  Tensor packed =
      at::empty({panels, Geometry::kPoints, geometry.input, kernels.panel_width}, weight.options());
  auto* to = packed.mutable_data_ptr<float>();
  at::parallel_for(0, panels, 1, [&](std::int64_t begin, std::int64_t end) {
    kernels.pack(geometry, filter, begin, end, to);
  });
  return packed;
}

Geometry filter_geometry(std::int64_t input, std::int64_t output) {
  return {.batch = 0, .height = 0, .width = 0, .input = input, .output = output};
}

void convolve(const Tensor& y, const Tensor& x, const Tensor& packed,
              const std::optional<Tensor>& bias, bool onto, bool relu) {
  const Tensor maps = x.contiguous(at::MemoryFormat::ChannelsLast);
  const Geometry geometry{x.size(0), x.size(2), x.size(3), x.size(1), y.size(1)};
  const std::int64_t tiles = geometry.tiles();
  if (tiles == 0) return;
  const winograd::Kernels& kernels = winograd::kernels().front();
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
    const Tensor scratch =
        at::empty({kernels.scratch_size(geometry, (tiles - 1) / parts + 1)}, maps.options());
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
                       from, filter, epilogue, scratch.mutable_data_ptr<float>(), to);
    }
  });
}

}  // namespace

bool winograd_takes(const Tensor& weight, std::int64_t height, std::int64_t width,
                    std::int64_t stride, std::int64_t padding, std::int64_t dilation) {
  if (winograd::kernels().empty() || !weight.is_cpu() || weight.scalar_type() != torch::kFloat32 ||
      weight.size(2) != 3 || weight.size(3) != 3 || stride != 1 || padding != 1 || dilation != 1 ||
      weight.size(0) % kChannels != 0 || weight.size(1) % kChannels != 0) {
    return false;
  }
  const Geometry geometry{1, height, width, weight.size(1), weight.size(0)};
  return geometry.tiles() * Geometry::kPoints * 2 <= height * width * 9;
}

Tensor winograd_pack(const Tensor& weight) {
  return pack(weight, filter_geometry(weight.size(1), weight.size(0)),
              {.data = weight.const_data_ptr<float>(),
               .output = weight.stride(0),
               .input = weight.stride(1),
               .row = weight.stride(2),
               .column = weight.stride(3)});
}

Tensor winograd_pack_transposed(const Tensor& weight) {
  const auto* last = weight.const_data_ptr<float>() + 2 * (weight.stride(2) + weight.stride(3));
  return pack(weight, filter_geometry(weight.size(0), weight.size(1)),
              {.data = last,
               .output = weight.stride(1),
               .input = weight.stride(0),
               .row = -weight.stride(2),
               .column = -weight.stride(3)});
}

Tensor winograd_convolution(const Tensor& x, const Tensor& packed,
                            const std::optional<Tensor>& bias, bool relu) {
  const Tensor y = at::empty({x.size(0), packed.size(0) * packed.size(3), x.size(2), x.size(3)},
                             x.options().memory_format(at::MemoryFormat::ChannelsLast));
  convolve(y, x, packed, bias, /*onto=*/false, relu);
  return y;
}

void winograd_convolution_onto(const Tensor& sum, const Tensor& x, const Tensor& packed,
                               const std::optional<Tensor>& bias, bool relu) {
  convolve(sum, x, packed, bias, /*onto=*/true, relu);
}

}  // namespace referent::ops
