// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "../kernel_types.h"
#include "kernels.h"
#include "referent/ops/convolution.h"
#include "referent/ops/onednn.h"
#include "referent/ops/winograd.h"

namespace referent::ops::convolution {
namespace {

std::array<std::int64_t, 2> same_padding(const Tensor& weight) {
  return {weight.size(2) / 2, weight.size(3) / 2};
}

bool is_pointwise(const Tensor& weight) {
  return weight.size(2) == 1 && weight.size(3) == 1;
}

bool by_winograd(const Tensor& x, const Tensor& weight) {
  return x.suggest_memory_format() == at::MemoryFormat::ChannelsLast &&
         x.scalar_type() == torch::kFloat32 &&
         winograd_takes(weight, x.size(2), x.size(3), {1}, same_padding(weight), {1});
}

Tensor convolve(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  if (by_winograd(x, weight)) return winograd_convolution_once(x, weight, bias, /*relu=*/false);
  const bool by_onednn = x.is_cpu() && kernels_take({x, weight}) && x.numel() > 0 &&
                         x.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
  return by_onednn ? onednn_convolution(x, weight, bias, {.padding = same_padding(weight)})
                   : at::conv2d(x, weight, bias, /*stride=*/1, same_padding(weight));
}

Tensor over_positions(const Tensor& core) {
  return core.unsqueeze(-1).unsqueeze(-1);
}

/// A map's memory [B, C, H, W] as a matrix for every sample: pixels by channels [B, H W, C] where
/// channels come last, else channels by pixels [B, C, H W].
Tensor matrices(const Tensor& map, at::MemoryFormat format) {
  return format == at::MemoryFormat::ChannelsLast ? map.permute({0, 2, 3, 1}).flatten(1, 2)
                                                  : map.flatten(2);
}

/// What the update is added to, residual + bias or either, in memory of its own.
Tensor start_of_output(const Tensor& bottleneck, const Tensor& up_weight,
                       const std::optional<Tensor>& up_bias, const std::optional<Tensor>& residual,
                       at::MemoryFormat format) {
  const std::array<std::int64_t, 4> shape{bottleneck.size(0), up_weight.size(0), bottleneck.size(2),
                                          bottleneck.size(3)};
  Tensor y = at::empty(shape, bottleneck.options().memory_format(format));
  const Tensor bias = up_bias.has_value() ? over_positions(*up_bias) : Tensor();
  if (residual.has_value() && bias.defined()) return at::add_out(y, *residual, bias);
  if (residual.has_value()) return y.copy_(*residual);
  return bias.defined() ? y.copy_(bias) : y.zero_();
}

/// y += U diag(c_b) bottleneck_b: one product for each sample, whose weight of r columns takes the
/// core, so that neither the scaling nor the sum is a pass over a map of its own.
void add_pointwise_update(Tensor& y, const Tensor& bottleneck, const Tensor& core,
                          const Tensor& up_weight, at::MemoryFormat format) {
  const Tensor up = up_weight.flatten(1) * core.unsqueeze(1);  // [B, Cout, r]
  Tensor sums = matrices(y, format);
  const Tensor inner = matrices(bottleneck, format);
  if (format == at::MemoryFormat::ChannelsLast) {
    sums.baddbmm_(inner, up.transpose(1, 2));
  } else {
    sums.baddbmm_(up, inner);
  }
}

/// Gradients of convolve(x, weight, bias) to each.
std::tuple<Tensor, Tensor, Tensor> convolve_backward(const Tensor& grad, const Tensor& x,
                                                     const Tensor& weight,
                                                     std::array<bool, 3> wanted) {
  const auto [to_x, to_weight, to_bias] = wanted;
  // A pointwise convolution over channels that come last is a matrix product, which takes less time
  // as such.
  const auto [dx, dweight] =
      is_pointwise(weight) && x.suggest_memory_format() == at::MemoryFormat::ChannelsLast
          ? pointwise_gradients(grad, x, weight, to_x, to_weight)
          : convolution_gradients(grad, x, weight, {.padding = same_padding(weight)}, to_x,
                                  to_weight);
  return {dx, dweight, to_bias ? grad.sum({0, 2, 3}) : Tensor()};
}

}  // namespace

bool taken(const Tensor& x, const Tensor& down_weight, const std::optional<Tensor>& down_bias,
           const Tensor& core, const Tensor& up_weight, const std::optional<Tensor>& up_bias,
           const std::optional<Tensor>& residual) {
  return kernels_take({x, down_weight, value_or_undefined(down_bias), core, up_weight,
                       value_or_undefined(up_bias), value_or_undefined(residual)});
}

Forward library_forward(const Tensor& x, const Tensor& down_weight,
                        const std::optional<Tensor>& down_bias, const Tensor& core,
                        const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                        const std::optional<Tensor>& residual) {
  check_shapes(x, down_weight, down_bias, core, up_weight, up_bias, residual);
  const at::MemoryFormat format = x.suggest_memory_format();
  const Tensor bottleneck = convolve(x, down_weight, down_bias).contiguous(format);
  Tensor y = convolve(bottleneck * over_positions(core), up_weight, up_bias).contiguous(format);
  if (residual.has_value()) y.add_(*residual);
  return {y, bottleneck};
}

Tensor library_inference(const Tensor& x, const Tensor& down_weight,
                         const std::optional<Tensor>& down_bias, const Tensor& core,
                         const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                         const std::optional<Tensor>& residual) {
  if (!is_pointwise(up_weight)) {
    return std::get<0>(
        library_forward(x, down_weight, down_bias, core, up_weight, up_bias, residual));
  }
  check_shapes(x, down_weight, down_bias, core, up_weight, up_bias, residual);
  const at::MemoryFormat format = x.suggest_memory_format();
  const Tensor bottleneck = convolve(x, down_weight, down_bias).contiguous(format);
  Tensor y = start_of_output(bottleneck, up_weight, up_bias, residual, format);
  add_pointwise_update(y, bottleneck, core, up_weight, format);
  return y;
}

Gradients backward(const Tensor& grad, const Tensor& x, const Tensor& down_weight,
                   const std::optional<Tensor>& down_bias, const Tensor& core,
                   const Tensor& up_weight, const std::optional<Tensor>& up_bias,
                   const Tensor& bottleneck, GradientMask wanted) {
  check_shapes(x, down_weight, down_bias, core, up_weight, up_bias, /*residual=*/std::nullopt);
  const auto [to_x, to_down, to_down_bias, to_core, to_up, to_up_bias] = wanted;
  const bool to_inner = to_x || to_down || to_down_bias;
  const Tensor scale = over_positions(core);
  const Tensor g = grad.contiguous(bottleneck.suggest_memory_format());

  const auto [dscaled, dup, dup_bias] =
      convolve_backward(g, bottleneck * scale, up_weight,
                        {to_inner || to_core, to_up, to_up_bias && up_bias.has_value()});
  const Tensor dcore = to_core ? (dscaled * bottleneck).sum({2, 3}) : Tensor();
  if (!to_inner) return {Tensor(), Tensor(), Tensor(), dcore, dup, dup_bias};
  const auto [dx, ddown, ddown_bias] = convolve_backward(
      dscaled * scale, x, down_weight, {to_x, to_down, to_down_bias && down_bias.has_value()});
  return {dx, ddown, ddown_bias, dcore, dup, dup_bias};
}

}  // namespace referent::ops::convolution
