// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <map>
#include <stdexcept>
#include <string>
#include <utility>

namespace referent::kernels {

inline void check(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}

/// Why no kernel can run here; empty where one can.
inline std::string reason_without_gpu() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) return std::string("no GPU answers: ") + cudaGetErrorString(status);
  if (count == 0) return "no GPU";
  int major = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
  return major >= 8 ? "" : "the GPU's compute capability is below 8.0";
}

/// Device copies of host buffers. Freed with this object.
class DeviceBuffers {
 public:
  DeviceBuffers() = default;
  DeviceBuffers(const DeviceBuffers&) = delete;
  DeviceBuffers& operator=(const DeviceBuffers&) = delete;
  ~DeviceBuffers() {
    for (const auto& [host, device] : buffers_) cudaFree(device.first);
  }

  /// The device copy of a buffer, made at the first call.
  template <class Buffer>
  void* at(Buffer& buffer) {
    if (buffer.size() == 0) return nullptr;
    const auto found = buffers_.find(buffer.data());
    if (found != buffers_.end()) return found->second.first;
    const std::size_t bytes = buffer.size() * sizeof(buffer[0]);
    void* device = nullptr;
    check(cudaMalloc(&device, bytes));
    buffers_[buffer.data()] = {device, bytes};
    check(cudaMemcpy(device, buffer.data(), bytes, cudaMemcpyHostToDevice));
    return device;
  }

  /// Waits for the device and copies a buffer back.
  template <class Buffer>
  void fetch(Buffer& buffer) {
    check(cudaDeviceSynchronize());
    const auto found = buffers_.find(buffer.data());
    if (found == buffers_.end()) return;
    check(cudaMemcpy(buffer.data(), found->second.first, found->second.second,
                     cudaMemcpyDeviceToHost));
  }

 private:
  std::map<const void*, std::pair<void*, std::size_t>> buffers_;
};

}  // namespace referent::kernels
