// SPDX-License-Identifier: Apache-2.0
#include "normalise_relu.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/threshold_backward.h>

#include <cmath>
#include <cstdint>

#include "referent/core/vector_clones.h"

namespace referent::nn {
namespace {

using torch::Tensor;

constexpr std::int64_t kGrain = 1 << 15;  ///< elements that are worth a thread

// LibTorch's batch norm multiplies and adds with one rounding. Not a number stays what it is.

/// `sum` may be null.
REFERENT_FUSED_CLONES void normalise_row(float* __restrict y, const float* __restrict sum,
                                         const float* __restrict scale,
                                         const float* __restrict shift, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    float value = std::fma(y[i], scale[i], shift[i]);
    if (sum != nullptr) value += sum[i];
    y[i] = value < 0 ? 0 : value;
  }
}

REFERENT_FUSED_CLONES void normalise_plane(float* __restrict y, const float* __restrict sum,
                                           float scale, float shift, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    float value = std::fma(y[i], scale, shift);
    if (sum != nullptr) value += sum[i];
    y[i] = value < 0 ? 0 : value;
  }
}

/// `of_sum` may be null.
REFERENT_FUSED_CLONES void backward_row(const float* __restrict gradient, const float* __restrict y,
                                        const float* __restrict scale, float* __restrict of_sum,
                                        float* __restrict of_y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float passed = y[i] <= 0 ? 0 : gradient[i];
    if (of_sum != nullptr) of_sum[i] = passed;
    of_y[i] = passed * scale[i];
  }
}

REFERENT_FUSED_CLONES void backward_plane(const float* __restrict gradient,
                                          const float* __restrict y, float scale,
                                          float* __restrict of_sum, float* __restrict of_y,
                                          std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float passed = y[i] <= 0 ? 0 : gradient[i];
    if (of_sum != nullptr) of_sum[i] = passed;
    of_y[i] = passed * scale;
  }
}

float* from(float* begin, std::int64_t offset) {
  return begin == nullptr ? nullptr : begin + offset;
}
const float* from(const float* begin, std::int64_t offset) {
  return begin == nullptr ? nullptr : begin + offset;
}

/// Calls rows(first element) for each pixel of a channels-last map, or planes(first element,
/// channel) for each plane of another.
template <class Rows, class Planes>
void for_each_part(const Tensor& y, Rows&& rows, Planes&& planes) {
  const std::int64_t channels = y.size(1);
  if (y.numel() == 0) return;
  const bool last = y.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
  const std::int64_t size = last ? channels : y.size(2) * y.size(3);
  const std::int64_t parts = y.numel() / size;
  at::parallel_for(0, parts, std::max<std::int64_t>(1, kGrain / size),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t part = begin; part < end; ++part) {
                       if (last) {
                         rows(part * size, size);
                       } else {
                         planes(part * size, part % channels, size);
                       }
                     }
                   });
}

Tensor as_laid_out(const Tensor& x, const Tensor& y) {
  return x.contiguous(y.suggest_memory_format());
}

Tensor per_channel(const Tensor& x) {
  return x.view({-1, 1, 1});
}

}  // namespace

void normalise_relu_(Tensor& y, const Tensor& scale, const Tensor& shift, const Tensor& sum) {
  if (y.scalar_type() != torch::kFloat32) {
    y.mul_(per_channel(scale)).add_(per_channel(shift));
    if (sum.defined()) y.add_(sum);
    y.relu_();
    return;
  }
  const Tensor other = sum.defined() ? as_laid_out(sum, y) : Tensor();
  auto* to = y.mutable_data_ptr<float>();
  const float* added = other.defined() ? other.const_data_ptr<float>() : nullptr;
  const auto* factors = scale.const_data_ptr<float>();
  const auto* shifts = shift.const_data_ptr<float>();
  for_each_part(
      y,
      [&](std::int64_t at, std::int64_t size) {
        normalise_row(to + at, from(added, at), factors, shifts, size);
      },
      [&](std::int64_t at, std::int64_t channel, std::int64_t size) {
        normalise_plane(to + at, from(added, at), factors[channel], shifts[channel], size);
      });
}

std::pair<Tensor, Tensor> normalise_relu_backward(const Tensor& gradient, const Tensor& y,
                                                  const Tensor& scale, bool sum_wanted) {
  if (y.scalar_type() != torch::kFloat32) {
    Tensor passed = at::threshold_backward(gradient, y, 0);
    return {sum_wanted ? passed : Tensor(), passed * per_channel(scale)};
  }
  const Tensor of_result = as_laid_out(gradient, y);
  Tensor of_y = at::empty_like(y);
  Tensor of_sum = sum_wanted ? at::empty_like(y) : Tensor();
  const auto* gradients = of_result.const_data_ptr<float>();
  const auto* results = y.const_data_ptr<float>();
  const auto* factors = scale.const_data_ptr<float>();
  auto* to = of_y.mutable_data_ptr<float>();
  float* to_sum = sum_wanted ? of_sum.mutable_data_ptr<float>() : nullptr;
  for_each_part(
      y,
      [&](std::int64_t at, std::int64_t size) {
        backward_row(gradients + at, results + at, factors, from(to_sum, at), to + at, size);
      },
      [&](std::int64_t at, std::int64_t channel, std::int64_t size) {
        backward_plane(gradients + at, results + at, factors[channel], from(to_sum, at), to + at,
                       size);
      });
  return {of_sum, of_y};
}

}  // namespace referent::nn
