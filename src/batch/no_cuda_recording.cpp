// SPDX-License-Identifier: Apache-2.0
// In builds without LibTorch's CUDA half.
#include "referent/batch/cuda_recording.h"
#include "referent/core/error.h"

namespace referent {

struct RecordedMemory::State {};
RecordedMemory::RecordedMemory() = default;
RecordedMemory::~RecordedMemory() = default;

bool CudaRecording::possible(torch::Device /*device*/) {
  return false;
}

struct CudaRecording::State {};
CudaRecording::CudaRecording(torch::Device device, const RecordedMemory& /*memory*/,
                             const std::function<void()>& /*work*/) {
  throw DeviceError("this build cannot record what runs on {}", device.str());
}
CudaRecording::~CudaRecording() = default;
void CudaRecording::replay() {}

}  // namespace referent
