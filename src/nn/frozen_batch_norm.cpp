// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/frozen_batch_norm.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/cudnn_convolution_add_relu.h>
#include <ATen/ops/cudnn_convolution_relu.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/threshold_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include "normalise_relu.h"
#include "referent/nn/autocast.h"
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

struct Geometry {
  explicit Geometry(const torch::nn::Conv2dImpl& layer)
      : stride(values(layer.options.stride())),
        padding(values(std::get<torch::ExpandingArray<2>>(layer.options.padding()))),
        dilation(values(layer.options.dilation())) {}

  static std::vector<std::int64_t> values(const torch::ExpandingArray<2>& pair) {
    return {pair->begin(), pair->end()};
  }

  std::vector<std::int64_t> stride, padding, dilation;
};

void keep(AutogradContext& context, const Geometry& how, const Tensor& x, const Tensor& weight,
          const std::optional<Tensor>& sum) {
  context.saved_data["stride"] = how.stride;
  context.saved_data["padding"] = how.padding;
  context.saved_data["dilation"] = how.dilation;
  context.saved_data["of_x"] = x.requires_grad();
  context.saved_data["of_weight"] = weight.requires_grad();
  context.saved_data["of_sum"] = sum.has_value();
}

/// The gradients of a convolution's input and weight, as far as they are wanted. On the CPU those
/// that Winograd's algorithm takes go by it; the forward pass does not, since what it rounds can
/// turn a ReLU that the released code leaves as it is.
std::pair<Tensor, Tensor> convolution_backward(AutogradContext& context, const Tensor& gradient,
                                               const Tensor& x, const Tensor& weight) {
  auto& saved = context.saved_data;
  const std::vector<std::int64_t> stride = saved["stride"].toIntVector();
  const std::vector<std::int64_t> padding = saved["padding"].toIntVector();
  const std::vector<std::int64_t> dilation = saved["dilation"].toIntVector();
  const bool to_x = saved["of_x"].toBool();
  const bool to_weight = saved["of_weight"].toBool();
  if (ops::winograd_takes(weight, x.size(2), x.size(3), stride, padding, dilation)) {
    return {to_x ? ops::winograd_input_gradient(gradient, weight) : Tensor(),
            to_weight ? ops::winograd_weight_gradient(x, gradient, weight) : Tensor()};
  }
  const auto [of_x, of_weight, of_bias] = at::convolution_backward(
      gradient, x, weight, /*bias_sizes=*/{}, stride, padding, dilation, /*transposed=*/false,
      /*output_padding=*/{0, 0}, /*groups=*/1, {to_x, to_weight, false});
  return {of_x, of_weight};
}

/// relu(conv(x, scale weight) + shift + sum) by cuDNN in one pass. The backward pass keeps x, the
/// scaled weight and the result.
class ScaledConvolutionRelu : public torch::autograd::Function<ScaledConvolutionRelu> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& scale, const Tensor& shift, const std::optional<Tensor>& sum,
                        const Geometry& how) {
    const at::AutoDispatchBelowADInplaceOrView guard;
    Tensor scaled = at::empty(weight.sizes(), x.options().memory_format(x.suggest_memory_format()));
    at::mul_out(scaled, weight, per_filter(scale));
    Tensor y = run(x, scaled, shift.to(x.scalar_type()), sum, how);
    keep(*context, how, x, weight, sum);
    context->saved_data["weight_type"] = weight.scalar_type();
    context->save_for_backward({x, scaled, y, scale});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list kept = context->get_saved_variables();
    const Tensor gradient = at::threshold_backward(gradients[0], kept[2], 0);
    const auto [of_x, of_scaled] = convolution_backward(*context, gradient, kept[0], kept[1]);
    Tensor of_weight;
    if (of_scaled.defined()) {
      // Laid out as the weight is, so that it is added without another copy.
      of_weight =
          at::empty(of_scaled.sizes(),
                    of_scaled.options().dtype(context->saved_data["weight_type"].toScalarType()));
      at::mul_out(of_weight, of_scaled, per_filter(kept[3]));
    }
    const bool to_sum = context->saved_data["of_sum"].toBool();
    return {of_x, of_weight, Tensor(), Tensor(), to_sum ? gradient : Tensor(), Tensor()};
  }

 private:
  static Tensor run(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const std::optional<Tensor>& sum, const Geometry& how) {
    // cuDNN has no convolution with a sum or an activation inside for float64.
    if (x.scalar_type() == torch::kFloat64) {
      Tensor y = at::conv2d(x, weight, bias, how.stride, how.padding, how.dilation);
      if (sum) y.add_(*sum);
      return y.relu_();
    }
    return sum ? at::cudnn_convolution_add_relu(x, weight, *sum, /*alpha=*/1.0, bias, how.stride,
                                                how.padding, how.dilation, /*groups=*/1)
               : at::cudnn_convolution_relu(x, weight, bias, how.stride, how.padding, how.dilation,
                                            /*groups=*/1);
  }
};

/// relu(scale conv(x, weight) + shift + sum), the convolution's output overwritten. The backward
/// pass keeps x, the weight and the result.
class ConvolutionScaledRelu : public torch::autograd::Function<ConvolutionScaledRelu> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& scale, const Tensor& shift, const std::optional<Tensor>& sum,
                        const Geometry& how) {
    const at::AutoDispatchBelowADInplaceOrView guard;
    Tensor y = at::conv2d(x, weight, /*bias=*/{}, how.stride, how.padding, how.dilation);
    normalise_relu_(y, scale, shift, sum.value_or(Tensor()));
    keep(*context, how, x, weight, sum);
    context->save_for_backward({x, weight, y, scale});
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list kept = context->get_saved_variables();
    const auto [of_sum, of_convolution] = normalise_relu_backward(
        gradients[0], kept[2], kept[3], context->saved_data["of_sum"].toBool());
    const auto [of_x, of_weight] = convolution_backward(*context, of_convolution, kept[0], kept[1]);
    return {of_x, of_weight, Tensor(), Tensor(), of_sum, Tensor()};
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

Tensor FrozenBatchNorm2dImpl::scaled_convolution(torch::nn::Conv2dImpl& layer,
                                                 const Tensor& x) const {
  const Geometry how(layer);
  return torch::conv2d(x, layer.weight * per_filter(scale()), /*bias=*/{}, how.stride, how.padding,
                       how.dilation);
}

Tensor FrozenBatchNorm2dImpl::relu_of_convolution(torch::nn::Conv2dImpl& layer, const Tensor& x,
                                                  const Tensor& shift, const Tensor& sum) const {
  const torch::ScalarType lowered = Autocast::current(x.device().type());
  const torch::ScalarType type = lowered == torch::kFloat32 ? x.scalar_type() : lowered;
  const Tensor input = x.to(type);
  const std::optional<Tensor> other =
      sum.defined() ? std::optional<Tensor>(sum.to(type)) : std::nullopt;
  return x.is_cuda() ? ScaledConvolutionRelu::apply(input, layer.weight, scale(), shift, other,
                                                    Geometry(layer))
                     : ConvolutionScaledRelu::apply(input, layer.weight, scale(), shift, other,
                                                    Geometry(layer));
}

}  // namespace referent::nn
