// SPDX-License-Identifier: Apache-2.0
#include "referent/core/version.h"

#include "referent_version.inc"

namespace referent {

const BuildInfo& build_info() {
  static const BuildInfo info{kVersion, kGitRevision, kBuildType, kCompiler};
  return info;
}

}  // namespace referent
