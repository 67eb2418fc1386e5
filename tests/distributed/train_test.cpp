// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>

#include "group.h"
#include "referent/core/file.h"
#include "support/temporary_folder.h"

namespace referent::testing {
namespace {

using ::testing::Each;

std::vector<double> numbers(const Path& file) {
  const std::string bytes = read_text_file(file);
  std::vector<double> numbers(bytes.size() / sizeof(double));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

/// The L2 norm of the difference over that of `b`.
double relative(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / norm);
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

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
  const double gradients =
      relative(numbers(several.path() / "gradients-0"), numbers(one.path() / "gradients-0"));
  const double weights =
      largest_difference(numbers(several.path() / "weights-0"), numbers(one.path() / "weights-0"));
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
