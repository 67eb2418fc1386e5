// SPDX-License-Identifier: Apache-2.0
#include "versions.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/version.h>

#include "referent/app/commands.h"
#include "referent/core/version.h"
#include "referent/image/library.h"

namespace referent::app {

nlohmann::ordered_json version_description() {
  const BuildInfo& build = build_info();
  nlohmann::ordered_json cuda;
  nlohmann::ordered_json cudnn;
#ifdef REFERENT_TORCH_CUDA
  cuda = at::detail::getCUDAHooks().versionCUDART();
  cudnn = at::detail::getCUDAHooks().versionRuntimeCuDNN();
#endif
  return {{"version", build.version},   {"git", build.git},
          {"torch", TORCH_VERSION},     {"cuda", cuda},
          {"cudnn", cudnn},             {"opencv", image::opencv_version()},
          {"compiler", build.compiler}, {"build_type", build.build_type}};
}

nlohmann::ordered_json machine_description(const std::string& device) {
  return {{"device", device},
          {"threads", at::get_num_threads()},
          {"cpu_capability", at::get_cpu_capability()},
          {"torch", TORCH_VERSION}};
}

int run_version(const CommonOptions& common) {
  nlohmann::ordered_json document = version_description();
  if (common.json) document["schema_version"] = 1;
  fmt::print("{}\n", document.dump(1));
  return 0;
}

}  // namespace referent::app
