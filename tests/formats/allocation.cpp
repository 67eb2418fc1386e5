// SPDX-License-Identifier: Apache-2.0
#include "formats/allocation.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace referent::testing {
namespace {

std::atomic<std::ptrdiff_t> live = 0;
std::atomic<std::ptrdiff_t> highest = 0;

}  // namespace

AllocationPeak::AllocationPeak() : before_(live) {
  highest = before_;
}

std::size_t AllocationPeak::bytes() const {
  return static_cast<std::size_t>(highest - before_);
}

}  // namespace referent::testing

// This executable's operator new, and so that of the libraries it links.
void* operator new(std::size_t size) {
  using namespace referent::testing;
  void* memory = std::malloc(std::max<std::size_t>(size, 1));
  if (memory == nullptr) throw std::bad_alloc();
  live += static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  highest = std::max<std::ptrdiff_t>(highest, live);
  return memory;
}

// std::stable_sort's; AddressSanitizer has one of its own, whose memory the operator below may not
// free.
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  referent::testing::live -= static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
  operator delete(memory);
}
