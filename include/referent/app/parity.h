// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "referent/core/error.h"

namespace referent::app {

struct ParityOptions {
  std::filesystem::path folder;  ///< of goldens, or one case
  std::string only;              ///< run cases whose name holds this
  bool verbose = true;           ///< a line for every output, not only for failures
  bool json = false;
};

/// Runs every golden case under a folder and prints, per output, the largest absolute and relative
/// error, then "N passed, N failed, N skipped". Returns kCheck when any failed.
ExitStatus run_parity(const ParityOptions& options);

}  // namespace referent::app
