// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <vector>

/// What exists where Referent is built with LibTorch's CUDA half; elsewhere nobody calls it.
namespace referent::inference {

using Tensors = std::vector<torch::Tensor>;

/// A computation on a GPU whose kernels depend on its inputs' shapes alone, given to the device as
/// one: to launch a thousand small kernels takes the host longer than the device takes to run them.
///
/// The first inputs of a shape are computed kernel by kernel, which also chooses algorithms; the
/// second ones are recorded as well; from then on the recording is replayed. Recordings share their
/// memory, which is that of the largest.
class CudaGraphs {
 public:
  using Work = std::function<Tensors(const Tensors&)>;

  CudaGraphs();
  CudaGraphs(const CudaGraphs&) = delete;
  CudaGraphs& operator=(const CudaGraphs&) = delete;
  ~CudaGraphs();

  /// work(inputs). `inputs` may be on any device, `work` gets them on `device`, computes in `type`
  /// and always is the same function; its outputs may be undefined. Safe from many threads, which
  /// take turns.
  Tensors operator()(torch::Device device, torch::ScalarType type, const Tensors& inputs,
                     const Work& work);

  /// Shapes beyond this many are computed kernel by kernel.
  static constexpr std::size_t kMostShapes = 16;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// While a graph is recorded, work that runs beside that of the current stream. Otherwise it runs
/// in order.
class SideStream {
 public:
  explicit SideStream(torch::Device device);
  SideStream(const SideStream&) = delete;
  SideStream& operator=(const SideStream&) = delete;
  ~SideStream();

  /// Starts after what the current stream holds by now.
  void run(const std::function<void()>& work);
  /// What the current stream is given from now on waits for the work.
  void join();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace referent::inference
