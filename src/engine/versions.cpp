// SPDX-License-Identifier: Apache-2.0
#include "versions.h"

#include <torch/version.h>

#include <nlohmann/json.hpp>

#include "referent/core/version.h"

namespace referent::engine {

std::string versions_json() {
  const BuildInfo& build = build_info();
  return nlohmann::ordered_json({{"referent", build.version},
                                 {"git", build.git},
                                 {"build_type", build.build_type},
                                 {"compiler", build.compiler},
                                 {"torch", TORCH_VERSION}})
      .dump();
}

}  // namespace referent::engine
