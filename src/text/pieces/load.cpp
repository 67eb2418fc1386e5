// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include "border.h"
#include "referent/core/error.h"
#include "referent/core/file.h"

namespace referent::text::pieces {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kOwnScope = 0;  // their runtime refuses the flag; such builds have no LibTorch
#else
constexpr int kOwnScope = RTLD_DEEPBIND;
#endif

const Functions& load() {
  Dl_info self{};
  REFERENT_CHECK(::dladdr(reinterpret_cast<const void*>(&load), &self) != 0, "no library holds me");
  const std::string name = (Path(self.dli_fname).parent_path() / REFERENT_PIECES_LIBRARY).string();
  void* library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | kOwnScope);
  if (library == nullptr) throw FileError("cannot load {}: {}", name, ::dlerror());
  const auto entry = reinterpret_cast<Entry>(::dlsym(library, kEntry));
  if (entry == nullptr) throw FileError("{} is of another version: {}", name, ::dlerror());
  return *entry();
}

}  // namespace

const Functions& functions() {
  static const Functions& loaded = load();
  return loaded;
}

}  // namespace referent::text::pieces
