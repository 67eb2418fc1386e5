// SPDX-License-Identifier: Apache-2.0
#include "kernels.h"

#include <array>

#include "entries.h"

namespace referent::ops::winograd {

#if defined(__x86_64__)

namespace {

constexpr std::array<Kernels, 2> kKernels{{{.panel_width = 32,
                                            .pack = pack_wide,
                                            .convolve = convolve_wide,
                                            .accumulate = accumulate_wide,
                                            .finish = finish_wide,
                                            .gather = gather_wide,
                                            .correlate = correlate_wide,
                                            .unpack = unpack_wide},
                                           {.panel_width = 16,
                                            .pack = pack_narrow,
                                            .convolve = convolve_narrow,
                                            .accumulate = accumulate_narrow,
                                            .finish = finish_narrow,
                                            .gather = gather_narrow,
                                            .correlate = correlate_narrow,
                                            .unpack = unpack_narrow}}};

}  // namespace

std::span<const Kernels> kernels() {
  static const std::size_t missing = __builtin_cpu_supports("x86-64-v4") != 0   ? 0
                                     : __builtin_cpu_supports("x86-64-v3") != 0 ? 1
                                                                                : 2;
  return std::span(kKernels).subspan(missing);
}

#else

std::span<const Kernels> kernels() {
  return {};
}

#endif

std::int64_t Kernels::stride(std::int64_t tiles, std::int64_t channels) {
  constexpr std::int64_t kGap = 16;
  return tiles * channels + kGap;
}

std::int64_t Kernels::scratch_size(const Geometry& geometry, std::int64_t tiles) const {
  return geometry.points() * (stride(tiles, geometry.input) + stride(tiles, panel_width));
}

}  // namespace referent::ops::winograd
