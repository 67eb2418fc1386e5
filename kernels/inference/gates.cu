// SPDX-License-Identifier: Apache-2.0
#include "kernels/inference/elements.cuh"
#include "kernels/inference/inference.h"

namespace referent::kernels {
namespace {

constexpr int kThreads = 512;
constexpr int kLanes = 32;
constexpr int kMostWidth = 256;
constexpr int kMostChannels = 2048;

constexpr int kWarps = kThreads / kLanes;
constexpr int kRowsTogether = 4;

/// y[i] = matrix[i] . x, i in [0, rows): a warp takes four rows at a time, so that their loads are
/// under way together. `length` is a multiple of 4.
template <class Finish>
__device__ __forceinline__ void multiply(const float* matrix, const float* x, int rows, int length,
                                         Finish finish) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int warp = static_cast<int>(threadIdx.x) / kLanes;
  for (int first = warp * kRowsTogether; first < rows; first += kWarps * kRowsTogether) {
    float sums[kRowsTogether] = {};
#pragma unroll 2
    for (int i = 4 * lane; i < length; i += 4 * kLanes) {
      const float4 factor = *reinterpret_cast<const float4*>(x + i);
#pragma unroll
      for (int k = 0; k < kRowsTogether; ++k) {
        const int row = min(first + k, rows - 1);
        const float4 value =
            *reinterpret_cast<const float4*>(matrix + static_cast<long long>(row) * length + i);
        sums[k] +=
            value.x * factor.x + value.y * factor.y + value.z * factor.z + value.w * factor.w;
      }
    }
#pragma unroll
    for (int k = 0; k < kRowsTogether; ++k) {
      const float sum = warp_sum(sums[k]);
      if (lane == 0 && first + k < rows) finish(first + k, sum);
    }
  }
}

/// A block a sample and gate. Everything after the means fits in shared memory.
template <class T>
__global__ void __launch_bounds__(kThreads)
    gates_kernel(const __grid_constant__ GateParams params) {
  __shared__ __align__(16) float mean[kMostChannels];
  __shared__ __align__(16) float text[kMostChannels];
  __shared__ __align__(16) float both[kMostWidth], hidden[kMostWidth];
  __shared__ float v[kMostWidth], t[kMostWidth];
  const int thread = static_cast<int>(threadIdx.x);
  const int sample = static_cast<int>(blockIdx.x);
  const GateWeights& weights = params.weights[blockIdx.y];

  // A thread sums a chunk of channels over every parts-th token.
  using Elements = Chunk<T>;
  const int chunks = params.channels / Elements::kCount;
  const int parts = kThreads / chunks;
  __shared__ float partial[kThreads * Elements::kCount];
  const T* x = static_cast<const T*>(params.x) + sample * params.x_batch_stride;
  const int part = thread / chunks;
  if (part < parts) {
    const int chunk = thread % chunks;
    float sums[Elements::kCount] = {};
#pragma unroll 8
    for (int token = part; token < params.tokens; token += parts) {
      const Elements values =
          reinterpret_cast<const Elements*>(x + token * params.x_row_stride)[chunk];
#pragma unroll
      for (int i = 0; i < Elements::kCount; ++i) sums[i] += to_float(values.values[i]);
    }
#pragma unroll
    for (int i = 0; i < Elements::kCount; ++i) {
      partial[part * params.channels + chunk * Elements::kCount + i] = sums[i];
    }
  }
  __syncthreads();
  for (int channel = thread; channel < params.channels; channel += kThreads) {
    float sum = 0;
    for (int other = 0; other < parts; ++other) sum += partial[other * params.channels + channel];
    mean[channel] = sum / static_cast<float>(params.tokens);
  }
  for (int i = thread; i < params.text_width; i += kThreads) {
    text[i] = to_float(
        static_cast<const T*>(params.text)[static_cast<long long>(sample) * params.text_width + i]);
  }
  __syncthreads();
  multiply(weights.visual, mean, params.width, params.channels,
           [&](int i, float value) { v[i] = value; });
  multiply(weights.text, text, params.width, params.text_width,
           [&](int i, float value) { t[i] = value; });
  __syncthreads();
  if (thread < params.width) both[thread] = v[thread] + t[thread];
  __syncthreads();
  multiply(weights.inner, both, params.hidden, params.width,
           [&](int i, float value) { hidden[i] = fmaxf(value + weights.inner_bias[i], 0.0F); });
  __syncthreads();
  multiply(weights.outer, hidden, params.width, params.hidden, [&](int i, float value) {
    const float gate = 1.0F / (1.0F + expf(-(value + weights.outer_bias[i])));
    both[i] = params.gates_visual ? t[i] + gate * v[i] : gate * t[i] + v[i];
  });
  __syncthreads();
  T* core = static_cast<T*>(params.core) +
            (static_cast<long long>(sample) * params.gates + blockIdx.y) * params.rank;
  multiply(weights.core, both, params.rank, params.width,
           [&](int i, float value) { core[i] = from_float<T>(value + weights.core_bias[i]); });
}

}  // namespace

bool takes(const GateParams& params) {
  const int chunk = params.type == DataType::kFloat32 ? Chunk<float>::kCount : Chunk<Half>::kCount;
  return params.tokens > 0 && params.channels > 0 && params.channels <= kMostChannels &&
         params.channels % chunk == 0 && params.channels / chunk <= kThreads &&
         params.x_batch_stride % chunk == 0 && params.x_row_stride % chunk == 0 &&
         params.text_width <= kMostChannels && params.text_width % 4 == 0 &&
         params.width <= kMostWidth && params.width % 4 == 0 && params.hidden <= kMostWidth &&
         params.hidden % 4 == 0 && params.gates > 0 && params.gates <= GateParams::kMostGates;
}

cudaError_t launch_gates(const GateParams& params, cudaStream_t stream) {
  if (!takes(params)) return cudaErrorNotSupported;
  if (params.batch == 0) return cudaSuccess;
  const dim3 grid(static_cast<unsigned>(params.batch), static_cast<unsigned>(params.gates));
  return with_element(params.type, [&](auto element) {
    gates_kernel<decltype(element)><<<grid, kThreads, 0, stream>>>(params);
    return cudaGetLastError();
  });
}

}  // namespace referent::kernels
