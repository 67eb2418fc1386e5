// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "support/process.h"

namespace referent {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = REFERENT_SOURCE_DIR;
constexpr const char* kLicence = "SPDX-License-Identifier: Apache-2.0";

/// Which line of a file must name the licence; 0: none need.
int licence_line(const fs::path& file) {
  static const std::set<std::string> kSources{".h", ".cpp", ".cu", ".cuh", ".cmake"};
  static const std::set<std::string> kScripts{".sh", ".py"};
  const std::string extension = file.extension().string();
  if (kSources.contains(extension) || file.filename() == "CMakeLists.txt") return 1;
  return kScripts.contains(extension) ? 2 : 0;  // the first may be the interpreter's
}

bool names_licence(const fs::path& file, int last_line) {
  std::ifstream stream(file);
  std::string line;
  for (int i = 0; i < last_line && std::getline(stream, line); ++i) {
    if (line.find(kLicence) != std::string::npos) return true;
  }
  return false;
}

TEST(StyleTest, EverySourceNamesItsLicence) {
  EXPECT_TRUE(names_licence(kRoot / "CMakeLists.txt", 1));
  int sources = 0;
  for (const char* folder : {"cmake", "include", "kernels", "scripts", "src", "tests", "tools"}) {
    if (!fs::exists(kRoot / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      const int line = entry.is_regular_file() ? licence_line(entry.path()) : 0;
      if (line == 0) continue;
      ++sources;
      EXPECT_TRUE(names_licence(entry.path(), line)) << entry.path();
    }
  }
  EXPECT_GE(sources, 300);
}

TEST(StyleTest, NoTrackedFileIsLarge) {
  constexpr std::uintmax_t kMost = 5'000'000;
  const testing::ProcessResult listed =
      testing::Process("/usr/bin/env", {"git", "-C", kRoot.string(), "ls-files", "-z"}).wait();
  if (listed.status != 0) GTEST_SKIP() << "not a git checkout: " << listed.err;
  int files = 0;
  for (std::size_t begin = 0; begin < listed.out.size();) {
    const std::size_t end = listed.out.find('\0', begin);
    const fs::path file = kRoot / listed.out.substr(begin, end - begin);
    begin = end + 1;
    ++files;
    if (!fs::is_regular_file(file)) continue;
    EXPECT_LE(fs::file_size(file), kMost) << file;
  }
  EXPECT_GE(files, 300);
}

}  // namespace
}  // namespace referent
