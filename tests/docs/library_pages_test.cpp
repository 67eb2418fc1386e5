// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/process.h"

namespace referent {
namespace {

TEST(LibraryPagesTest, DoxygenUnderstandsEveryPublicHeader) {
  if (std::system("command -v doxygen >/dev/null") != 0) {
    GTEST_SKIP() << "no doxygen; scripts/setup.sh --dev installs it";
  }
  const testing::ProcessResult result =
      testing::Process(REFERENT_SOURCE_DIR "/scripts/docs.sh", {}).wait();
  EXPECT_EQ(result.status, 0) << result.err << result.out;
}

}  // namespace
}  // namespace referent
