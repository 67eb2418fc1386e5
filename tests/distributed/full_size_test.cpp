// SPDX-License-Identifier: Apache-2.0
#include "differences.h"
#include "group.h"
#include "referent/core/error.h"
#include "support/temporary_folder.h"

namespace referent::testing {
namespace {

using ::testing::Each;

/// MMCA-R50 at 640 pixels in float32, two steps of two pictures, which one process computes one
/// after the other; 12 GB with two processes.
TEST(FullSizeTest, TwoProcessesTrainAsOne) {
  const TemporaryFolder one, two;
  const auto train = [](int processes, const Path& folder) {
    Group group(processes, {"train-full-size", folder}, {}, std::chrono::hours(1));
    ASSERT_THAT(group.wait(), Each(Ends(0)));
  };
  train(1, one.path());
  train(2, two.path());
  for (const char* what : {"gradients", "weights"}) {
    const MappedFile first(two.path() / fmt::format("{}-0", what));
    const MappedFile second(two.path() / fmt::format("{}-1", what));
    EXPECT_TRUE(std::ranges::equal(first.bytes(), second.bytes())) << what;
  }
  const Differences gradients =
      differences<float>(two.path() / "gradients-0", one.path() / "gradients-0");
  const Differences weights =
      differences<float>(two.path() / "weights-0", one.path() / "weights-0");
  fmt::print(
      "MMCA-R50, 640 px: gradients {:.1e} relative, weights after 2 steps {:.1e} relative and "
      "{:.1e} at most apart, equal to the bit on both ranks\n",
      gradients.relative, weights.relative, weights.largest);
  EXPECT_LE(gradients.relative, 1e-5);
  // AdamW moves a weight whose gradient is all rounding by its whole rate, 1e-4, either way.
  EXPECT_LE(weights.largest, 4e-4);
  EXPECT_LE(weights.relative, 1e-5);
}

}  // namespace
}  // namespace referent::testing
