// SPDX-License-Identifier: Apache-2.0
#include "referent/ops/gemm_binding.h"

#include <dlfcn.h>

#include "referent/core/log.h"

namespace referent::ops {
namespace {

constexpr const char* kSymbol = "sgemm_";
constexpr const char* kLibTorch = "libtorch_cpu.so";

std::string file_of(const void* address) {
  Dl_info info{};
  return ::dladdr(address, &info) != 0 ? std::string(info.dli_fname) : std::string();
}

bool warn_of_foreign_gemm() noexcept {
  const GemmBinding binding = gemm_binding();
  if (!binding.own) {
    log::warning(
        "LibTorch's matrix products call {} of {} instead of its own, which may take ten times as "
        "long: link torch_cpu directly and before what brings this library (the CMake target "
        "referent::referent names it), or load libreferent.so with RTLD_DEEPBIND",
        kSymbol, binding.library);
  }
  return binding.own;
}

[[maybe_unused]] const bool kGemmIsOwn = warn_of_foreign_gemm();

}  // namespace

GemmBinding gemm_binding() {
  // RTLD_DEFAULT asks in the order in which this library's symbols are resolved, and so those of
  // the LibTorch that was loaded with it; a handle asks LibTorch and what it depends on.
  const void* bound = ::dlsym(RTLD_DEFAULT, kSymbol);
  GemmBinding binding{true, bound != nullptr ? file_of(bound) : std::string()};
  void* torch = ::dlopen(kLibTorch, RTLD_LAZY | RTLD_NOLOAD);
  if (torch != nullptr) {
    const void* own = ::dlsym(torch, kSymbol);
    binding.own = own == nullptr || own == bound;
    ::dlclose(torch);
  }
  return binding;
}

}  // namespace referent::ops
