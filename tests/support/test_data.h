// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>

namespace referent::testing {

namespace detail {
inline std::filesystem::path folder_from(const char* variable, const char* sibling) {
  const char* value = std::getenv(variable);
  const std::filesystem::path folder =
      value != nullptr ? std::filesystem::path(value)
                       : std::filesystem::path(REFERENT_SOURCE_DIR) / ".." / "shared" / sibling;
  return std::filesystem::is_directory(folder) ? folder : std::filesystem::path();
}
}  // namespace detail

/// The test data folder: $REFERENT_TEST_DATA, else ../shared/data; empty when it is not there.
inline std::filesystem::path test_data() {
  return detail::folder_from("REFERENT_TEST_DATA", "data");
}

/// The folder of golden outputs: $REFERENT_GOLDENS, else ../shared/goldens; empty when absent.
inline std::filesystem::path goldens() {
  return detail::folder_from("REFERENT_GOLDENS", "goldens");
}

}  // namespace referent::testing
