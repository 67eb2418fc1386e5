// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "referent/config/docs.h"
#include "referent/core/file.h"
#include "referent/engine/config.h"

namespace referent {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The page's table: everything from its first row on.
std::vector<std::string> table_of(const std::filesystem::path& page) {
  const std::string text = read_text_file(page);
  const std::size_t begin = text.find("\n| ");
  return begin == std::string::npos ? std::vector<std::string>() : lines_of(text.substr(begin + 1));
}

TEST(ConfigurationPageTest, IsWhatTheConfigurationStructsSay) {
  const std::filesystem::path page =
      std::filesystem::path(REFERENT_SOURCE_DIR) / "docs" / "configuration.md";
  const std::vector<std::string> written = table_of(page);
  const std::vector<std::string> expected = lines_of(config::docs<engine::RunConfig>());
  const std::string remedy = page.string() + " is stale; scripts/update_docs.sh writes it anew";
  for (std::size_t i = 0; i < std::min(written.size(), expected.size()); ++i) {
    ASSERT_EQ(written[i], expected[i]) << remedy;
  }
  EXPECT_EQ(written.size(), expected.size()) << remedy;
}

}  // namespace
}  // namespace referent
