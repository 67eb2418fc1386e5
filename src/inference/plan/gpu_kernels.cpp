// SPDX-License-Identifier: Apache-2.0
// Compiled where CUDA's headers are, with or without LibTorch's CUDA half.
#define REFERENT_GPU_PLAN
#include "gpu_kernels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <limits>

#include "kernels/inference/inference.h"

namespace referent::inference {
namespace {

using torch::Tensor;

std::optional<kernels::DataType> type_of(const Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case torch::kBFloat16:
      return kernels::DataType::kBFloat16;
    case torch::kHalf:
      return kernels::DataType::kFloat16;
    case torch::kFloat32:
      return kernels::DataType::kFloat32;
    default:
      return std::nullopt;
  }
}

/// As kernels take it.
int size_of(const Tensor& x, std::int64_t dimension) {
  return static_cast<int>(x.size(dimension));
}

bool fits_int(std::int64_t value) {
  return value <= std::numeric_limits<int>::max();
}

}  // namespace

std::optional<SumAndNorm> fused_sum_and_norm(const Tensor& a, const Tensor& b, const Tensor& weight,
                                             const Tensor& bias, double epsilon, bool sum_wanted) {
  const auto type = type_of(a);
  const std::int64_t width = a.size(-1);
  if (!a.is_cuda() || !type || a.sizes() != b.sizes() || !fits_int(a.numel() / width)) {
    return std::nullopt;
  }
  const c10::cuda::CUDAGuard guard(a.device());
  const Tensor left = a.contiguous(), right = b.contiguous();
  kernels::AddLayerNormParams params;
  params.type = *type;
  params.rows = static_cast<int>(a.numel() / width);
  params.width = static_cast<int>(width);
  params.epsilon = static_cast<float>(epsilon);
  if (!kernels::takes(params)) return std::nullopt;
  SumAndNorm result{sum_wanted ? at::empty_like(left) : Tensor(), at::empty_like(left)};
  params.a = left.const_data_ptr();
  params.b = right.const_data_ptr();
  params.weight = weight.const_data_ptr();
  params.bias = bias.const_data_ptr();
  params.sum = sum_wanted ? result.sum.mutable_data_ptr() : nullptr;
  params.y = result.norm.mutable_data_ptr();
  C10_CUDA_CHECK(kernels::launch_add_layer_norm(params, c10::cuda::getCurrentCUDAStream()));
  return result;
}

std::optional<Tensor> fused_max_pool(const Tensor& x) {
  const auto type = type_of(x);
  if (!x.is_cuda() || !type || !x.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    return std::nullopt;
  }
  const c10::cuda::CUDAGuard guard(x.device());
  kernels::MaxPoolParams params;
  params.type = *type;
  params.batch = size_of(x, 0);
  params.channels = size_of(x, 1);
  params.height = size_of(x, 2);
  params.width = size_of(x, 3);
  if (!kernels::takes(params)) return std::nullopt;
  Tensor y = at::empty({x.size(0), x.size(1), (x.size(2) + 1) / 2, (x.size(3) + 1) / 2},
                       x.options(), at::MemoryFormat::ChannelsLast);
  params.x = x.const_data_ptr();
  params.y = y.mutable_data_ptr();
  C10_CUDA_CHECK(kernels::launch_max_pool(params, c10::cuda::getCurrentCUDAStream()));
  return y;
}

std::optional<Tensor> fused_blocks(const Tensor& images, std::int64_t before, std::int64_t rows,
                                   std::int64_t columns) {
  const auto type = type_of(images);
  if (!images.is_cuda() || !type || images.size(1) != 3 ||
      !images.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    return std::nullopt;
  }
  const c10::cuda::CUDAGuard guard(images.device());
  kernels::BlocksParams params;
  params.type = *type;
  params.batch = size_of(images, 0);
  params.height = size_of(images, 2);
  params.width = size_of(images, 3);
  params.before = static_cast<int>(before);
  params.rows = static_cast<int>(rows);
  params.columns = static_cast<int>(columns);
  if (!kernels::takes(params)) return std::nullopt;
  Tensor y = at::empty({images.size(0), 16, rows, columns}, images.options(),
                       at::MemoryFormat::ChannelsLast);
  params.x = images.const_data_ptr();
  params.y = y.mutable_data_ptr();
  C10_CUDA_CHECK(kernels::launch_blocks(params, c10::cuda::getCurrentCUDAStream()));
  return y;
}

std::optional<Tensor> fused_scaled_bottleneck(const Tensor& bottleneck, const Tensor& core) {
  const auto type = type_of(bottleneck);
  if (!bottleneck.is_cuda() || !type || !bottleneck.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    return std::nullopt;
  }
  const c10::cuda::CUDAGuard guard(bottleneck.device());
  const std::int64_t rank = bottleneck.size(1);
  const std::int64_t pixels = bottleneck.size(2) * bottleneck.size(3);
  kernels::ScaledBottleneckParams params;
  params.type = *type;
  params.batch = size_of(bottleneck, 0);
  params.pixels = static_cast<int>(pixels);
  params.rank = static_cast<int>(rank);
  if (!kernels::takes(params)) return std::nullopt;
  const Tensor factors = core.contiguous();
  Tensor y = at::empty({bottleneck.size(0) * pixels, rank + 8}, bottleneck.options());
  params.x = bottleneck.const_data_ptr();
  params.core = factors.const_data_ptr();
  params.y = y.mutable_data_ptr();
  C10_CUDA_CHECK(kernels::launch_scaled_bottleneck(params, c10::cuda::getCurrentCUDAStream()));
  return y;
}

std::optional<Tensor> fused_gates(const std::vector<const GateTensors*>& gates, bool gates_visual,
                                  const Tensor& x, const Tensor& text_mean) {
  const auto type = type_of(x);
  if (!x.is_cuda() || !type || text_mean.scalar_type() != x.scalar_type() ||
      gates.size() > kernels::GateParams::kMostGates || x.stride(2) != 1) {
    return std::nullopt;
  }
  const c10::cuda::CUDAGuard guard(x.device());
  const Tensor text = text_mean.contiguous();
  const GateTensors& first = *gates.front();
  kernels::GateParams params;
  params.type = *type;
  params.batch = size_of(x, 0);
  params.tokens = size_of(x, 1);
  params.channels = size_of(x, 2);
  params.text_width = size_of(text, 1);
  params.width = static_cast<int>(first.visual.size(0));
  params.hidden = static_cast<int>(first.inner.size(0));
  params.rank = static_cast<int>(first.core.size(0));
  params.gates_visual = gates_visual;
  params.gates = static_cast<int>(gates.size());
  params.x = x.const_data_ptr();
  params.x_batch_stride = x.stride(0);
  params.x_row_stride = x.stride(1);
  if (!kernels::takes(params)) return std::nullopt;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const GateTensors& gate = *gates[i];
    const auto data = [](const Tensor& tensor) { return tensor.const_data_ptr<float>(); };
    params.weights[i] = {data(gate.visual),     data(gate.text),     data(gate.inner),
                         data(gate.inner_bias), data(gate.outer),    data(gate.outer_bias),
                         data(gate.core),       data(gate.core_bias)};
  }
  Tensor core =
      at::empty({x.size(0), static_cast<std::int64_t>(gates.size()) * params.rank}, x.options());
  params.text = text.const_data_ptr();
  params.core = core.mutable_data_ptr();
  C10_CUDA_CHECK(kernels::launch_gates(params, c10::cuda::getCurrentCUDAStream()));
  return core;
}

std::optional<RelativeFeatures> fused_relative_features(const Tensor& qkv, const Tensor& scores,
                                                        std::int64_t side, std::int64_t depth,
                                                        std::int64_t features) {
  const auto type = type_of(qkv);
  const std::int64_t row = qkv.stride(2);
  const bool rows = qkv.stride(3) == 1 && qkv.stride(1) == qkv.size(2) * row &&
                    qkv.stride(0) == qkv.size(1) * qkv.stride(1);
  if (!qkv.is_cuda() || !type || !rows || scores.scalar_type() != qkv.scalar_type() ||
      !scores.is_contiguous()) {
    return std::nullopt;
  }
  const c10::cuda::CUDAGuard guard(qkv.device());
  const std::int64_t heads = scores.size(0);
  const std::int64_t windows = qkv.size(0) * qkv.size(1) * qkv.size(2) / (side * side);
  kernels::RelativeFeaturesParams params;
  params.type = *type;
  params.batch = size_of(qkv, 0);
  params.height = size_of(qkv, 1);
  params.width = size_of(qkv, 2);
  params.side = static_cast<int>(side);
  params.heads = static_cast<int>(heads);
  params.depth = static_cast<int>(depth);
  params.features = static_cast<int>(features);
  params.offsets = size_of(scores, 2);
  params.qkv = qkv.const_data_ptr();
  params.row_stride = row;
  params.scores = scores.const_data_ptr();
  if (!kernels::takes(params)) return std::nullopt;
  const auto make = [&](std::int64_t width) {
    return at::empty({windows, side * side, heads, width}, qkv.options());
  };
  RelativeFeatures result{make(features), make(features), make(depth)};
  params.q = result.q.mutable_data_ptr();
  params.k = result.k.mutable_data_ptr();
  params.v = result.v.mutable_data_ptr();
  C10_CUDA_CHECK(kernels::launch_relative_features(params, c10::cuda::getCurrentCUDAStream()));
  return result;
}

}  // namespace referent::inference
