// SPDX-License-Identifier: Apache-2.0
#include "device_group.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "referent/core/error.h"

namespace referent::distributed {
namespace {

Store part(const Store& store, const char* name) {
  return c10::make_intrusive<c10d::PrefixStore>(name, store);
}

}  // namespace

DeviceGroup make_device_group(const Store& store, const Environment& environment,
                              std::chrono::milliseconds timeout, torch::Device device) {
  auto group =
      c10::make_intrusive<c10d::ProcessGroup>(store, environment.rank, environment.world_size);
  bool served = false;
#ifdef REFERENT_GLOO
  group->setBackend(c10::DeviceType::CPU, c10d::ProcessGroup::BackendType::GLOO,
                    make_gloo(part(store, "gloo"), environment, timeout));
  group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
  served = device.is_cpu();
#endif
#ifdef REFERENT_NCCL
  if (device.is_cuda()) {
    group->setBackend(c10::DeviceType::CUDA, c10d::ProcessGroup::BackendType::NCCL,
                      make_nccl(part(store, "nccl"), environment, timeout));
    group->setDefaultBackend(c10d::ProcessGroup::BackendType::NCCL);
    served = true;
  }
#endif
  if (served) return group;
  throw DeviceError("this build cannot exchange tensors of {} between processes: {}", device.str(),
                    device.is_cuda() ? "it needs LibTorch's CUDA half and nccl.h"
                                     : "it needs the headers of libgloo-dev");
}

torch::Device byte_device(torch::Device device) {
#ifdef REFERENT_GLOO
  return device.is_cuda() ? torch::Device(torch::kCPU) : device;
#else
  return device;
#endif
}

}  // namespace referent::distributed
