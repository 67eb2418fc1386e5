// SPDX-License-Identifier: Apache-2.0
#include "differences.h"
#include "group.h"
#include "referent/core/error.h"
#include "support/temporary_folder.h"

namespace referent::testing {
namespace {

using ::testing::Each;

struct Case {
  std::string name;
  int processes;
  std::string type, pieces;
  double gradients, weights;  ///< tolerances
};

void PrintTo(const Case& test, std::ostream* stream) {
  *stream << test.name;
}

/// MMCA on a ResNet-18 without dropout, 20 steps of AdamW with clipping, 12 samples a step.
class TrainTest : public ::testing::TestWithParam<Case> {};

TEST_P(TrainTest, SeveralProcessesTrainAsOne) {
  const Case& test = GetParam();
  const TemporaryFolder one, several;
  ASSERT_THAT(Group(1, {"train", one.path().string(), test.type, "1"}).wait(), Each(Ends(0)));
  ASSERT_THAT(
      Group(test.processes, {"train", several.path().string(), test.type, test.pieces}).wait(),
      Each(Ends(0)));
  for (const char* what : {"gradients", "weights"}) {
    const std::string first = read_text_file(several.path() / fmt::format("{}-0", what));
    for (int rank = 1; rank < test.processes; ++rank) {
      EXPECT_EQ(read_text_file(several.path() / fmt::format("{}-{}", what, rank)), first)
          << what << " of rank " << rank;
    }
  }
  const auto difference = [&](const char* file) {
    return test.type == "float64" ? differences<double>(several.path() / file, one.path() / file)
                                  : differences<float>(several.path() / file, one.path() / file);
  };
  const double gradients = difference("gradients-0").relative;
  const double weights = difference("weights-0").largest;
  fmt::print("{}: gradients {:.1e} relative, weights after 20 steps {:.1e}\n", test.name, gradients,
             weights);
  EXPECT_LE(gradients, test.gradients);
  EXPECT_LE(weights, test.weights);
}

INSTANTIATE_TEST_SUITE_P(
    Grounder, TrainTest,
    ::testing::Values(
        Case{"TwoFloat64", 2, "float64", "1", 1e-10, 1e-8},
        Case{"FourFloat64", 4, "float64", "1", 1e-10, 1e-8},
        Case{"TwoInPiecesFloat64", 2, "float64", "3", 1e-10, 1e-8},
        // AdamW moves a weight whose gradient is all rounding by its whole rate, 1e-4 here.
        Case{"TwoFloat32", 2, "float32", "1", 1e-5, 1e-4}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace referent::testing
