// SPDX-License-Identifier: Apache-2.0
#include "referent/core/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace referent {
namespace {

TEST(ProgressTest, FormatsDurations) {
  EXPECT_EQ(format_duration(4.2), "4 s");
  EXPECT_EQ(format_duration(65), "1:05");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_duration(-1), "0 s");
}

TEST(ProgressTest, PrintsAPlainLineAtTheEndWhenNotOnATerminal) {
  ::testing::internal::CaptureStderr();
  {
    ProgressBar bar("train", 3);
    for (int i = 0; i < 3; ++i) bar.advance("loss 1.5");
  }
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::HasSubstr("train: 3/3, 0 s left, loss 1.5\n"));
}

}  // namespace
}  // namespace referent
