// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

/// The kernels of kernels/inference on tensors. Nothing where they do not take a problem, as on the
/// CPU and in a build without CUDA: the caller composes it.
namespace referent::inference {

/// a + b and its layer norm over the last dimension; the sum is undefined where it is not wanted.
struct SumAndNorm {
  torch::Tensor sum;
  torch::Tensor norm;
};

/// The parts of an MMCA gate and core in float32: see kernels::GateWeights.
struct GateTensors {
  torch::Tensor visual, text, inner, inner_bias, outer, outer_bias, core, core_bias;
};

/// Attention's inputs with relative scores as features: see kernels::RelativeFeaturesParams.
struct RelativeFeatures {
  torch::Tensor q, k;  ///< [windows, side * side, heads, features]
  torch::Tensor v;     ///< [windows, side * side, heads, depth]
};

#ifdef REFERENT_GPU_PLAN

std::optional<SumAndNorm> fused_sum_and_norm(const torch::Tensor& a, const torch::Tensor& b,
                                             const torch::Tensor& weight, const torch::Tensor& bias,
                                             double epsilon, bool sum_wanted);
/// 3x3 maxima at a stride of 2 of a channels-last map.
std::optional<torch::Tensor> fused_max_pool(const torch::Tensor& x);
/// images [B, 3, H, W], channels-last, in blocks of 2 x 2: see kernels::BlocksParams.
std::optional<torch::Tensor> fused_blocks(const torch::Tensor& images, std::int64_t before,
                                          std::int64_t rows, std::int64_t columns);
/// bottleneck * core, a one and seven zeros, [B H W, r + 8], from a channels-last bottleneck
/// [B, r, H, W] and core [B, r].
std::optional<torch::Tensor> fused_scaled_bottleneck(const torch::Tensor& bottleneck,
                                                     const torch::Tensor& core);
/// Cores [B, gates * r] from the mean of x [B, N, C] over its tokens and text_mean [B, D].
std::optional<torch::Tensor> fused_gates(const std::vector<const GateTensors*>& gates,
                                         bool gates_visual, const torch::Tensor& x,
                                         const torch::Tensor& text_mean);
/// qkv [B, H, W, 3 heads * depth], of which windows of side x side are cut, and scores [heads,
/// B H W, offsets].
std::optional<RelativeFeatures> fused_relative_features(const torch::Tensor& qkv,
                                                        const torch::Tensor& scores,
                                                        std::int64_t side, std::int64_t depth,
                                                        std::int64_t features);

#else

inline std::optional<SumAndNorm> fused_sum_and_norm(const torch::Tensor&, const torch::Tensor&,
                                                    const torch::Tensor&, const torch::Tensor&,
                                                    double, bool) {
  return std::nullopt;
}
inline std::optional<torch::Tensor> fused_max_pool(const torch::Tensor&) {
  return std::nullopt;
}
inline std::optional<torch::Tensor> fused_blocks(const torch::Tensor&, std::int64_t, std::int64_t,
                                                 std::int64_t) {
  return std::nullopt;
}
inline std::optional<torch::Tensor> fused_scaled_bottleneck(const torch::Tensor&,
                                                            const torch::Tensor&) {
  return std::nullopt;
}
inline std::optional<torch::Tensor> fused_gates(const std::vector<const GateTensors*>&, bool,
                                                const torch::Tensor&, const torch::Tensor&) {
  return std::nullopt;
}
inline std::optional<RelativeFeatures> fused_relative_features(const torch::Tensor&,
                                                               const torch::Tensor&, std::int64_t,
                                                               std::int64_t, std::int64_t) {
  return std::nullopt;
}

#endif

}  // namespace referent::inference
