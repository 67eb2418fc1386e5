// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/frozen_batch_norm.h"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/cudnn_convolution_add_relu.h>
#include <ATen/ops/cudnn_convolution_relu.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/threshold_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include "referent/core/vector_clones.h"
#include "referent/nn/autocast.h"
#include "referent/ops/convolution.h"
#include "referent/ops/onednn.h"
#include "referent/ops/winograd.h"

namespace referent::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kEpsilon = 1e-5;

Tensor per_filter(const Tensor& scale) {
  return scale.view({-1, 1, 1, 1});
}

ops::ConvolutionGeometry geometry_of(const torch::nn::Conv2dImpl& layer) {
  const auto pair = [](const torch::ExpandingArray<2>& values) -> std::array<std::int64_t, 2> {
    return {values->at(0), values->at(1)};
  };
  return {pair(layer.options.stride()),
          pair(std::get<torch::ExpandingArray<2>>(layer.options.padding())),
          pair(layer.options.dilation())};
}

void keep(AutogradContext& context, const ops::ConvolutionGeometry& how) {
  const auto keep_as = [&](const char* name, const std::array<std::int64_t, 2>& pair) {
    context.saved_data[name] = std::vector<std::int64_t>(pair.begin(), pair.end());
  };
  keep_as("stride", how.stride);
  keep_as("padding", how.padding);
  keep_as("dilation", how.dilation);
}

ops::ConvolutionGeometry kept_geometry(AutogradContext& context) {
  const auto pair = [&](const char* name) -> std::array<std::int64_t, 2> {
    const std::vector<std::int64_t> values = context.saved_data[name].toIntVector();
    return {values.at(0), values.at(1)};
  };
  return {pair("stride"), pair("padding"), pair("dilation")};
}

REFERENT_VECTOR_CLONES void add_relu_values(float* __restrict y, const float* __restrict x,
                                            std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float sum = y[i] + x[i];
    y[i] = sum < 0 ? 0 : sum;  // not a number stays one
  }
}

/// y = relu(y + x), both float32 on the CPU and laid out alike.
void add_relu_(Tensor& y, const Tensor& x) {
  constexpr std::int64_t kGrain = 1 << 15;  // elements that are worth a thread
  auto* to = y.mutable_data_ptr<float>();
  const auto* from = x.const_data_ptr<float>();
  at::parallel_for(0, y.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    add_relu_values(to + begin, from + begin, end - begin);
  });
}

/// relu(conv(x, scale weight) + shift + sum), as far as the library can in one pass. The backward
/// pass keeps x, the scaled weight and the result.
class ScaledConvolutionRelu : public torch::autograd::Function<ScaledConvolutionRelu> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& scale, const Tensor& shift, const std::optional<Tensor>& sum,
                        const ops::ConvolutionGeometry& how) {
    const at::AutoDispatchBelowADInplaceOrView guard;
    Tensor scaled = at::empty(weight.sizes(), x.options().memory_format(x.suggest_memory_format()));
    at::mul_out(scaled, weight, per_filter(scale));
    Tensor y = run(x, scaled, shift.to(x.scalar_type()), sum, how);
    keep(*context, how);
    context->saved_data["of_x"] = x.requires_grad();
    context->saved_data["of_weight"] = weight.requires_grad();
    context->saved_data["of_sum"] = sum.has_value();
    context->saved_data["weight_type"] = weight.scalar_type();
    context->save_for_backward({x, scaled, y, scale});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list kept = context->get_saved_variables();
    const Tensor gradient = at::threshold_backward(gradients[0], kept[2], 0);
    const auto wanted = [&](const char* name) { return context->saved_data[name].toBool(); };
    const auto [of_x, of_scaled] = ops::convolution_gradients(
        gradient, kept[0], kept[1], kept_geometry(*context), wanted("of_x"), wanted("of_weight"));
    Tensor of_weight;
    if (of_scaled.defined()) {
      // Laid out as the weight is, so that it is added without another copy.
      of_weight =
          at::empty(of_scaled.sizes(),
                    of_scaled.options().dtype(context->saved_data["weight_type"].toScalarType()));
      at::mul_out(of_weight, of_scaled, per_filter(kept[3]));
    }
    return {of_x, of_weight, Tensor(), Tensor(), wanted("of_sum") ? gradient : Tensor(), Tensor()};
  }

 private:
  static Tensor run(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const std::optional<Tensor>& sum, const ops::ConvolutionGeometry& how) {
    // cuDNN has no convolution with a sum or an activation inside for float64.
    if (x.is_cuda() && x.scalar_type() != torch::kFloat64) {
      return sum ? at::cudnn_convolution_add_relu(x, weight, *sum, /*alpha=*/1.0, bias, how.stride,
                                                  how.padding, how.dilation, /*groups=*/1)
                 : at::cudnn_convolution_relu(x, weight, bias, how.stride, how.padding,
                                              how.dilation, /*groups=*/1);
    }
    if (x.scalar_type() == torch::kFloat32 && x.numel() > 0 &&
        x.suggest_memory_format() == at::MemoryFormat::ChannelsLast) {
      return run_on_cpu(x, weight, bias, sum, how);
    }
    Tensor y = at::conv2d(x, weight, bias, how.stride, how.padding, how.dilation);
    if (sum) y.add_(*sum);
    return y.relu_();
  }

  /// Of float32 with channels last.
  static Tensor run_on_cpu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const std::optional<Tensor>& sum, const ops::ConvolutionGeometry& how) {
    if (ops::winograd_takes(weight, x.size(2), x.size(3), how.stride, how.padding, how.dilation)) {
      const Tensor packed = ops::winograd_pack(weight);
      if (!sum) return ops::winograd_convolution(x, packed, bias, /*relu=*/true);
      const Tensor y = sum->clone(at::MemoryFormat::ChannelsLast);
      ops::winograd_convolution_onto(y, x, packed, bias, /*relu=*/true);
      return y;
    }
    // oneDNN's own ReLU makes 0 of what is not a number, and a loss would not show it.
    Tensor y = ops::onednn_convolution(x, weight, bias, how);
    if (!sum) return y.relu_();
    add_relu_(y, sum->contiguous(at::MemoryFormat::ChannelsLast));
    return y;
  }
};

}  // namespace

FrozenBatchNorm2dImpl::FrozenBatchNorm2dImpl(std::int64_t channels) {
  weight_ = register_buffer("weight", torch::ones({channels}));
  bias_ = register_buffer("bias", torch::zeros({channels}));
  running_mean_ = register_buffer("running_mean", torch::zeros({channels}));
  running_var_ = register_buffer("running_var", torch::ones({channels}));
}

Tensor FrozenBatchNorm2dImpl::forward(const Tensor& x) {
  return torch::batch_norm(x, weight_, bias_, running_mean_, running_var_, /*training=*/false,
                           /*momentum=*/0.0, kEpsilon, /*cudnn_enabled=*/true);
}

Tensor FrozenBatchNorm2dImpl::scale() const {
  return weight_ * torch::rsqrt(running_var_ + kEpsilon);
}

Tensor FrozenBatchNorm2dImpl::shift() const {
  // Rounded once, as at::batch_norm does it.
  const auto exact = [](const Tensor& x) { return x.to(torch::kFloat64); };
  return (exact(bias_) - exact(running_mean_) * exact(scale())).to(bias_.scalar_type());
}

Tensor FrozenBatchNorm2dImpl::scaled(const Tensor& weight) const {
  return weight * per_filter(scale());
}

Tensor FrozenBatchNorm2dImpl::relu_of_convolution(torch::nn::Conv2dImpl& layer, const Tensor& x,
                                                  const Tensor& shift, const Tensor& sum) const {
  const torch::ScalarType lowered = Autocast::current(x.device().type());
  const torch::ScalarType type = lowered == torch::kFloat32 ? x.scalar_type() : lowered;
  const Tensor input = x.to(type);
  const std::optional<Tensor> other =
      sum.defined() ? std::optional<Tensor>(sum.to(type)) : std::nullopt;
  return ScaledConvolutionRelu::apply(input, layer.weight, scale(), shift, other,
                                      geometry_of(layer));
}

}  // namespace referent::nn
