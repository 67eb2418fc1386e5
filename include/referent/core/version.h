// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace referent {

/// How this build came to be; the versions of the libraries are added by who links them.
struct BuildInfo {
  std::string version;  ///< SemVer
  std::string git;      ///< revision, "-dirty" when the tree had changes
  std::string build_type;
  std::string compiler;
};

const BuildInfo& build_info();

}  // namespace referent
