// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>

namespace referent {

/// Memory that recordings share. They are replayed one after the other, in the order in which they
/// were made wherever a later one reads what an earlier one wrote.
class RecordedMemory {
 public:
  RecordedMemory();
  ~RecordedMemory();

 private:
  friend class CudaRecording;
  struct State;
  std::unique_ptr<State> state_;
};

/// Work on a GPU that always is the same kernels on the same memory, given to the device as one
/// (a CUDA graph): to launch a thousand small kernels takes the host longer than the device takes
/// to run them. What the work draws from the device's random generator is drawn anew by each
/// replay, as the work itself would have drawn it.
class CudaRecording {
 public:
  /// Whether work on `device` can be recorded: on GPUs, in builds with LibTorch's CUDA half.
  static bool possible(torch::Device device);

  /// Records what `work` launches, without running it. It must not wait for the device. Other
  /// streams may take part if they wait for the current one and it for them.
  CudaRecording(torch::Device device, const RecordedMemory& memory,
                const std::function<void()>& work);
  CudaRecording(const CudaRecording&) = delete;
  CudaRecording& operator=(const CudaRecording&) = delete;
  ~CudaRecording();

  /// Runs it after what the current stream holds by now.
  void replay();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace referent
