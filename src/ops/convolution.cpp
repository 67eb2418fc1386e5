// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/convolution.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>

#include "referent/ops/winograd.h"

namespace referent::ops {
namespace {

using torch::Tensor;

bool has_channels_last(const Tensor& map) {
  return map.is_contiguous(at::MemoryFormat::ChannelsLast);
}

bool are(at::IntArrayRef values, std::int64_t wanted) {
  return std::ranges::all_of(values, [&](std::int64_t value) { return value == wanted; });
}

/// A map [B, C, H, W] as a matrix: pixels by channels.
Tensor rows(const Tensor& map) {
  return map.permute({0, 2, 3, 1}).flatten(0, 2);
}

/// A matrix of pixels by channels as a map of the height and width of `like`.
Tensor map_of(const Tensor& rows, const Tensor& like) {
  return rows.view({like.size(0), like.size(2), like.size(3), rows.size(1)}).permute({0, 3, 1, 2});
}

/// The gradient of the weight by a product for each of its positions, of the pixels that it meets.
Tensor weight_gradient_by_products(const Tensor& gradient, const Tensor& x, const Tensor& weight,
                                   const ConvolutionGeometry& geometry) {
  const auto [vertical, horizontal] = geometry.padding;
  const Tensor padded = at::constant_pad_nd(x, {horizontal, horizontal, vertical, vertical});
  const Tensor of_outputs = rows(gradient).t();  // [M, B h w]
  const auto pixels_met = [&](std::int64_t row, std::int64_t column) {
    Tensor met = padded;
    const std::array<std::int64_t, 2> at{row, column};
    for (const std::int64_t side : {0, 1}) {
      const auto i = static_cast<std::size_t>(side);
      const std::int64_t begin = at[i] * geometry.dilation[i];
      const std::int64_t length = (gradient.size(2 + side) - 1) * geometry.stride[i] + 1;
      met = met.slice(2 + side, begin, begin + length, geometry.stride[i]);
    }
    return rows(met);  // [B h w, C]
  };
  Tensor by_position =
      at::empty({weight.size(2), weight.size(3), weight.size(0), weight.size(1)}, weight.options());
  for (std::int64_t row = 0; row < weight.size(2); ++row) {
    for (std::int64_t column = 0; column < weight.size(3); ++column) {
      Tensor product = by_position[row][column];
      at::mm_out(product, of_outputs, pixels_met(row, column));
    }
  }
  return by_position.permute({2, 3, 0, 1});
}

}  // namespace

ConvolutionGradients pointwise_gradients(const Tensor& gradient, const Tensor& x,
                                         const Tensor& weight, bool to_x, bool to_weight) {
  const Tensor of_outputs = rows(gradient);
  ConvolutionGradients result;
  if (to_x) result.x = map_of(of_outputs.mm(weight.flatten(1)), x);
  if (to_weight) result.weight = of_outputs.t().mm(rows(x)).view(weight.sizes());
  return result;
}

ConvolutionGradients convolution_gradients(const Tensor& gradient, const Tensor& x,
                                           const Tensor& weight,
                                           const ConvolutionGeometry& geometry, bool to_x,
                                           bool to_weight) {
  const auto by_library = [&](bool for_weight) -> ConvolutionGradients {
    if (!to_x && !for_weight) return {};
    const auto [of_x, of_weight, of_bias] = at::convolution_backward(
        gradient, x, weight, /*bias_sizes=*/{}, geometry.stride, geometry.padding,
        geometry.dilation, /*transposed=*/false, /*output_padding=*/{0, 0}, /*groups=*/1,
        {to_x, for_weight, false});
    return {of_x, of_weight};
  };
  if (!x.is_cpu() || x.scalar_type() != torch::kFloat32 || !has_channels_last(x)) {
    return by_library(to_weight);
  }
  if (winograd_takes(weight, x.size(2), x.size(3), geometry.stride, geometry.padding,
                     geometry.dilation)) {
    return {to_x ? winograd_input_gradient(gradient, weight) : Tensor(),
            to_weight ? winograd_weight_gradient(x, gradient, weight) : Tensor()};
  }
  const Tensor of_outputs = gradient.contiguous(at::MemoryFormat::ChannelsLast);
  const bool pointwise = are(weight.sizes().slice(2), 1);
  if (pointwise && are(geometry.stride, 1) && are(geometry.padding, 0)) {
    return pointwise_gradients(of_outputs, x, weight, to_x, to_weight);
  }
  // oneDNN shares the pixels among its threads, of which there may be few, and where a pointwise
  // convolution strides over fewer than 16 channels it writes outside its memory (LibTorch 2.11).
  if (to_weight && (pointwise || weight.numel() > gradient.numel())) {
    return {by_library(false).x, weight_gradient_by_products(of_outputs, x, weight, geometry)};
  }
  return by_library(to_weight);
}

}  // namespace referent::ops
