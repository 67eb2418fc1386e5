// SPDX-License-Identifier: Apache-2.0
#include "cuda_graphs.h"

#include <ATen/cuda/CUDAEvent.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAGraphsC10Utils.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <map>
#include <mutex>

#include "referent/batch/convolution_trial.h"
#include "referent/batch/cuda_recording.h"

namespace referent::inference {
namespace {

using torch::Tensor;

/// What a recording holds for: types, shapes and strides.
using Key = std::vector<std::int64_t>;

Key key_of(const Tensors& inputs) {
  Key key;
  for (const Tensor& input : inputs) {
    key.push_back(static_cast<std::int64_t>(input.scalar_type()));
    key.insert(key.end(), input.sizes().begin(), input.sizes().end());
    key.insert(key.end(), input.strides().begin(), input.strides().end());
  }
  return key;
}

Tensors on_device(const Tensors& inputs, torch::Device device) {
  Tensors placed;
  for (const Tensor& input : inputs) placed.push_back(input.to(device));
  return placed;
}

struct Recording {
  Tensors inputs, outputs;
  CudaRecording work;

  Recording(torch::Device device, const Tensors& examples, const CudaGraphs::Work& function,
            const RecordedMemory& memory)
      : inputs(places_for(examples, device)),
        work(device, memory, [&] { outputs = function(inputs); }) {}

  /// The outputs are overwritten by the next replay.
  void replay(const Tensors& values) {
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i].copy_(values[i]);
    work.replay();
  }

 private:
  static Tensors places_for(const Tensors& examples, torch::Device device) {
    Tensors places;
    for (const Tensor& example : examples) {
      places.push_back(at::empty_like(example, example.options().device(device)));
    }
    return places;
  }
};

}  // namespace

struct CudaGraphs::State {
  std::mutex turn;
  RecordedMemory memory;
  std::map<Key, std::unique_ptr<Recording>> recordings;  ///< null: its shape was seen once
  at::cuda::CUDAEvent done;                              ///< of the last replay
};

CudaGraphs::CudaGraphs() : state_(std::make_unique<State>()) {}
CudaGraphs::~CudaGraphs() = default;

Tensors CudaGraphs::operator()(torch::Device device, torch::ScalarType type, const Tensors& inputs,
                               const Work& work) {
  const c10::cuda::CUDAGuard device_guard(device);
  const std::scoped_lock lock(state_->turn);
  const auto stream = at::cuda::getCurrentCUDAStream();
  const Key key = key_of(inputs);
  const auto found = state_->recordings.find(key);
  if (found == state_->recordings.end()) {
    if (state_->recordings.size() < kMostShapes) state_->recordings.emplace(key, nullptr);
    const ConvolutionTrial trial(type);
    return work(on_device(inputs, device));
  }
  // Recordings share memory, so the last one must have been read, whichever stream it ran on.
  if (state_->done.isCreated()) state_->done.block(stream);
  if (found->second == nullptr) {
    found->second = std::make_unique<Recording>(device, inputs, work, state_->memory);
  }
  found->second->replay(inputs);
  Tensors outputs;
  for (const Tensor& output : found->second->outputs) {
    outputs.push_back(output.defined() ? output.clone() : output);
  }
  state_->done.record(stream);
  return outputs;
}

struct SideStream::State {
  at::cuda::CUDAStream side;
  at::cuda::CUDAEvent done;
  bool recording;
};

SideStream::SideStream(torch::Device device)
    : state_(new State{
          at::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index()),
          {},
          c10::cuda::currentStreamCaptureStatusMayInitCtx() != c10::cuda::CaptureStatus::None}) {}
SideStream::~SideStream() = default;

void SideStream::run(const std::function<void()>& work) {
  if (!state_->recording) return work();
  at::cuda::CUDAEvent ready;
  ready.record(at::cuda::getCurrentCUDAStream());
  ready.block(state_->side);
  const c10::cuda::CUDAStreamGuard guard(state_->side);
  work();
  state_->done.record(state_->side);
}

void SideStream::join() {
  if (state_->recording) state_->done.block(at::cuda::getCurrentCUDAStream());
}

}  // namespace referent::inference
