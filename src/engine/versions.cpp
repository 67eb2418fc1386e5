// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/versions.h"

#include <torch/version.h>

#include <nlohmann/json.hpp>

#include "referent/core/version.h"
#include "referent/image/library.h"

#ifdef REFERENT_TORCH_CUDA
#include <ATen/detail/CUDAHooksInterface.h>
#endif

namespace referent::engine {

std::string versions_json() {
  const BuildInfo& build = build_info();
  nlohmann::ordered_json cuda;
  nlohmann::ordered_json cudnn;
#ifdef REFERENT_TORCH_CUDA
  cuda = at::detail::getCUDAHooks().versionCUDART();
  cudnn = at::detail::getCUDAHooks().versionRuntimeCuDNN();
#endif
  return nlohmann::ordered_json({{"version", build.version},
                                 {"git", build.git},
                                 {"torch", TORCH_VERSION},
                                 {"cuda", cuda},
                                 {"cudnn", cudnn},
                                 {"opencv", image::opencv_version()},
                                 {"compiler", build.compiler},
                                 {"build_type", build.build_type}})
      .dump();
}

}  // namespace referent::engine
