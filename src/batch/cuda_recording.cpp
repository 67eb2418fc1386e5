// SPDX-License-Identifier: Apache-2.0
#include "referent/batch/cuda_recording.h"

#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <mutex>
#include <optional>

#include "referent/core/log.h"

namespace referent {

struct RecordedMemory::State {
  at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
  /// All recordings are made on one stream: memory is used again without waiting on that alone.
  std::optional<at::cuda::CUDAStream> stream;
};

RecordedMemory::RecordedMemory() : state_(std::make_unique<State>()) {}
RecordedMemory::~RecordedMemory() = default;

namespace {

/// Draws go on from where they were, by a state that no recording uses.
void renew_generator(torch::Device device) {
  at::Generator generator = at::cuda::detail::getDefaultCUDAGenerator(device.index());
  const std::scoped_lock lock(generator.mutex());
  at::Generator renewed = at::cuda::detail::createCUDAGenerator(device.index());
  renewed.set_current_seed(generator.current_seed());
  renewed.set_offset(generator.get_offset());
  generator.graphsafe_set_state(renewed);
}

/// Ends a recording that an error ended: a stream that records forever takes nothing else, nor does
/// an allocator or a generator that waits for its end. CUDAGraph leaves the latter two waiting
/// where CUDA says that the recording is void.
void give_up(at::cuda::CUDAGraph& graph, at::cuda::MempoolId_t pool, torch::Device device) {
  // The error under way says more than those from here on.
  const auto quietly = [](const auto& act) {
    try {
      act();
    } catch (const c10::Error& error) {
      log::debug("after a recording that failed: {}", error.what_without_backtrace());
      return false;
    }
    return true;
  };
  if (quietly([&] { graph.capture_end(); })) return;
  quietly([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(device.index(), pool); });
  quietly([&] { renew_generator(device); });
}

}  // namespace

bool CudaRecording::possible(torch::Device device) {
  return device.is_cuda();
}

struct CudaRecording::State {
  at::cuda::CUDAGraph graph;
};

CudaRecording::CudaRecording(torch::Device device, const RecordedMemory& memory,
                             const std::function<void()>& work)
    : state_(std::make_unique<State>()) {
  RecordedMemory::State& shared = *memory.state_;
  if (!shared.stream) {
    shared.stream = at::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index());
  }
  // The stream that is current may be the default one, which cannot be recorded.
  at::cuda::CUDAEvent ready;
  ready.record(at::cuda::getCurrentCUDAStream(device.index()));
  ready.block(*shared.stream);
  const c10::cuda::CUDAStreamGuard guard(*shared.stream);
  at::cuda::CUDAGraph& graph = state_->graph;
  graph.capture_begin(shared.pool, cudaStreamCaptureModeThreadLocal);
  try {
    work();
  } catch (...) {
    give_up(graph, shared.pool, shared.stream->device());
    throw;
  }
  graph.capture_end();
}

CudaRecording::~CudaRecording() = default;

void CudaRecording::replay() {
  state_->graph.replay();
}

}  // namespace referent
