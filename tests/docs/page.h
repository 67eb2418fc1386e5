// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "referent/core/file.h"

namespace referent::testing {

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Compares what a page of docs/ has from `mark` on, the begin of a line, with `expected`.
inline void expect_page(const std::string& name, const std::string& mark,
                        const std::string& expected) {
  const Path page = Path(REFERENT_SOURCE_DIR) / "docs" / name;
  const std::string text = read_text_file(page);
  const std::size_t begin = std::min(text.find("\n" + mark), text.size());
  const std::vector<std::string> written = lines_of(text.substr(std::min(begin + 1, text.size())));
  const std::vector<std::string> wanted = lines_of(expected);
  const std::string remedy = page.string() + " is stale; scripts/update_docs.sh writes it anew";
  for (std::size_t i = 0; i < std::min(written.size(), wanted.size()); ++i) {
    ASSERT_EQ(written[i], wanted[i]) << remedy;
  }
  EXPECT_EQ(written.size(), wanted.size()) << remedy;
}

}  // namespace referent::testing
