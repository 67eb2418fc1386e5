// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <string>

#include "referent/conditioning/config.h"
#include "referent/ops/conditional_conv2d.h"
#include "referent/ops/low_rank_update.h"

namespace referent::conditioning {

/// MMCA's gate: fuses the mean visual feature and the mean text feature into E_mm.
///
/// With v and t both projected to the gate's width and lambda = sigmoid(W1 relu(W2 (v + t))):
/// released E_mm = t + lambda v; paper (eq. for E_mm) E_mm = lambda t + v.
class GateFusionImpl : public torch::nn::Module {
 public:
  /// `of_map`: the visual projection of a convolution adapter is a 1x1 convolution, with a weight
  /// of [gate_width, channels, 1, 1], that of a linear adapter a linear layer.
  GateFusionImpl(const ConditioningConfig& config, std::int64_t channels, std::int64_t text_width,
                 bool of_map);

  /// visual_mean [B, C], text_mean [B, D] -> [B, gate_width].
  torch::Tensor forward(const torch::Tensor& visual_mean, const torch::Tensor& text_mean);

 private:
  Variant variant_;
  torch::Tensor visual_weight_;
  torch::nn::Linear text_;
  torch::nn::Sequential transform_;
};
TORCH_MODULE(GateFusion);

/// The core of an update, c = E_mm W_g + b, with W_g `text_linear_w` and b `text_linear_b`.
class AdapterImpl : public torch::nn::Module {
 protected:
  AdapterImpl(const ConditioningConfig& config, std::int64_t channels, std::int64_t text_width,
              bool of_map, std::string name);

  /// -> [B, rank].
  torch::Tensor core(const torch::Tensor& visual_mean, const torch::Tensor& text_mean);
  const std::string& probe_name() const { return name_; }
  Variant variant() const { return variant_; }

 private:
  Variant variant_;
  std::string name_;
  GateFusion gate_fusion_;
  torch::Tensor text_linear_w_;
  torch::Tensor text_linear_b_;
};

/// The update of one matrix of a transformer layer: U diag(c) D, without biases.
class LinearAdapterImpl : public AdapterImpl {
 public:
  LinearAdapterImpl(const ConditioningConfig& config, std::int64_t width, std::int64_t text_width,
                    const std::string& name);

  /// The update of weight W [M, width]. Released: the adapter's output is added to the input of W,
  /// so P = W U and the low-rank input is `input`. Paper: it is added to W itself, so P = U.
  /// `weight` may be undefined where P = U whatever the variant. input [B, N, width].
  ops::LowRankUpdate update(const torch::Tensor& input, const torch::Tensor& text_mean,
                            const torch::Tensor& weight);

 private:
  torch::nn::Linear down_;
  torch::nn::Linear up_;
};
TORCH_MODULE(LinearAdapter);

/// Two diagonal updates of the same input as one, of a weight whose rows are `a`'s above `b`'s.
ops::LowRankUpdate beside(const ops::LowRankUpdate& a, const ops::LowRankUpdate& b);

/// The update of a convolution. Released: 3x3 down, 1x1 up, with biases. Paper: 1x1 down, 3x3 up,
/// without.
class ConvolutionAdapterImpl : public AdapterImpl {
 public:
  ConvolutionAdapterImpl(const ConditioningConfig& config, std::int64_t channels,
                         std::int64_t text_width, const std::string& name);

  /// x [B, C, H, W]; returns residual + update(x).
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& text_mean,
                        const torch::Tensor& residual);

 private:
  torch::nn::Conv2d down_;
  torch::nn::Conv2d up_;
};
TORCH_MODULE(ConvolutionAdapter);

}  // namespace referent::conditioning
