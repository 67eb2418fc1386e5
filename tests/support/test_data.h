// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>

namespace referent::testing {

namespace detail {
inline std::filesystem::path folder_or_empty(const char* variable,
                                             const std::filesystem::path& otherwise) {
  const char* value = std::getenv(variable);
  const std::filesystem::path folder = value != nullptr ? std::filesystem::path(value) : otherwise;
  return std::filesystem::is_directory(folder) ? folder : std::filesystem::path();
}
}  // namespace detail

/// Why tests of real data are skipped where there is none.
inline constexpr const char* kNoTestData =
    "no folder of test data (photos, annotations): set REFERENT_TEST_DATA";

/// The test data folder (photos, annotations): $REFERENT_TEST_DATA, else ../shared/data; empty when
/// it is not there.
inline std::filesystem::path test_data() {
  return detail::folder_or_empty("REFERENT_TEST_DATA",
                                 std::filesystem::path(REFERENT_SOURCE_DIR) / "../shared/data");
}

/// The folder of golden outputs: $REFERENT_GOLDENS, else tests/golden.
inline std::filesystem::path goldens() {
  return detail::folder_or_empty("REFERENT_GOLDENS",
                                 std::filesystem::path(REFERENT_SOURCE_DIR) / "tests/golden");
}

}  // namespace referent::testing
