// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>

namespace referent::testing {

/// The folder that `variable` names, else `fallback` beside the source tree; empty when absent.
inline std::filesystem::path folder_or_empty(const char* variable, const char* fallback) {
  const char* chosen = std::getenv(variable);
  const std::filesystem::path folder =
      chosen != nullptr ? std::filesystem::path(chosen)
                        : std::filesystem::path(REFERENT_SOURCE_DIR) / ".." / "shared" / fallback;
  return std::filesystem::is_directory(folder) ? folder : std::filesystem::path();
}

/// Real data for tests, not part of the repository; empty when absent.
inline std::filesystem::path test_data() {
  return folder_or_empty("REFERENT_TEST_DATA", "data");
}

/// Outputs of the reference implementations; empty when absent.
inline std::filesystem::path goldens() {
  return folder_or_empty("REFERENT_GOLDENS", "goldens");
}

}  // namespace referent::testing
