// SPDX-License-Identifier: Apache-2.0
#include "referent/core/version.h"
#include "command_line.h"

namespace referent::tools {

int run_version(const app::CommonOptions& /*common*/) {
  const BuildInfo& build = build_info();
  fmt::print("referent {} ({}, {}, {})\n", build.version, build.git, build.build_type,
             build.compiler);
  return 0;
}

}  // namespace referent::tools
