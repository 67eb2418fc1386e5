// SPDX-License-Identifier: Apache-2.0
#include "referent/training/memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>

#include <new>
#include <string_view>

#include "referent/batch/memory_pool.h"
#include "referent/distributed/process_group.h"

namespace referent::training {

bool is_out_of_memory(const std::exception& error) {
  // Another process's, which its message repeats.
  if (dynamic_cast<const distributed::PeerError*>(&error) != nullptr) return false;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  if (dynamic_cast<const OutOfMemory*>(&error) != nullptr) return true;
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  // LibTorch's CPU allocator and oneDNN have no type of their own for it. (What oneDNN cannot
  // compute at all ends with "could not create a primitive descriptor ...".)
  const std::string_view message = error.what();
  return message.find("DefaultCPUAllocator: can't allocate memory") != std::string_view::npos ||
         message.find("could not create a memory object") != std::string_view::npos ||
         message.starts_with("out of memory: ") ||  // of a MemoryPool
         message == "could not create a primitive";
}

void release_unused_memory(torch::Device device) {
  MemoryPool::release_unused();
  if (device.is_cuda()) c10::getDeviceAllocator(device.type())->emptyCache();
}

}  // namespace referent::training
