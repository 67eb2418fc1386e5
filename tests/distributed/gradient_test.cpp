// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <sstream>

#include "group.h"

namespace referent::testing {
namespace {

using ::testing::Each;

/// Parameter to gradient; empty where it is undefined.
using Gradients = std::map<std::string, std::vector<double>>;

Gradients parse(const std::string& text) {
  Gradients gradients;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::string word;
    words >> name;
    gradients[name];
    while (words >> word && word != "undefined") gradients[name].push_back(std::stod(word));
  }
  return gradients;
}

/// The largest difference of a parameter's gradients, over their largest value; infinite where only
/// one is defined.
double difference(const Gradients& a, const Gradients& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (const auto& [name, values] : a) {
    const std::vector<double>& others = b.at(name);
    if (values.size() != others.size()) return INFINITY;
    double most = 0;
    double largest = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      most = std::max(most, std::abs(values[i] - others[i]));
      largest = std::max(largest, std::abs(others[i]));
    }
    if (largest > 0) worst = std::max(worst, most / largest);
  }
  return worst;
}

struct Case {
  std::string name;
  int size;
  Words arguments;
  double tolerance = 1e-10;
};

void PrintTo(const Case& test, std::ostream* stream) {
  *stream << test.name;
}

class GradientTest : public ::testing::TestWithParam<Case> {};

TEST_P(GradientTest, IsThatOfOneProcessAndTheSameOnAllRanks) {
  Words words{"gradients"};
  words.insert(words.end(), GetParam().arguments.begin(), GetParam().arguments.end());
  const ProcessResult alone = Group(1, words).wait().front();
  const auto results = Group(GetParam().size, words).wait();
  ASSERT_THAT(alone, Ends(0));
  ASSERT_THAT(results, Each(Ends(0)));
  for (const ProcessResult& result : results) EXPECT_EQ(result.out, results.front().out);

  const Gradients expected = parse(alone.out);
  EXPECT_EQ(expected.size(), 10U);
  EXPECT_TRUE(expected.at("unused.weight").empty());
  const double worst = difference(parse(results.front().out), expected);
  fmt::print("{} processes: relative difference {:.1e}\n", GetParam().size, worst);
  EXPECT_LE(worst, GetParam().tolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Reducer, GradientTest,
    ::testing::Values(
        Case{"Two", 2, {"float64"}}, Case{"Four", 4, {"float64"}},
        Case{"Accumulated", 3, {"float64", "accumulate"}},
        Case{"Deterministic", 3, {"float64", "deterministic", "accumulate"}},
        Case{"OptionalHeadOfOneRank", 2, {"float64", "optional"}},
        Case{"OptionalHeadAccumulated", 2, {"float64", "optional", "accumulate"}},
        Case{"ARankWithoutSamples", 3, {"float64", "few", "deterministic"}},
        Case{"Recomputed", 2, {"float64", "recompute"}},
        Case{"RecomputedWithAll", 3, {"float64", "recompute", "optional", "accumulate", "few"}},
        Case{"AfterOneThatARankCouldNotBegin", 3, {"float64", "abandon-before", "optional"}},
        Case{"AfterOneThatARankCouldNotFinish", 3, {"float64", "abandon-within", "optional"}},
        Case{"AfterOneOfPiecesInOrder",
             2,
             {"float64", "abandon-within", "accumulate", "deterministic", "recompute"}},
        // One and another way to round: sums of 8 samples, in float32 and in bfloat16.
        Case{"Float32", 2, {"float32"}, 1e-5}, Case{"BFloat16", 2, {"bfloat16"}, 0.05},
        Case{"BFloat16Deterministic", 3, {"bfloat16", "deterministic"}, 0.05}),
    [](const auto& test) { return test.param.name; });

TEST(GradientCostTest, IsCounted) {
  for (const ProcessResult& result : Group(2, {"cost"}).wait()) {
    ASSERT_THAT(result, Ends(0));
    std::istringstream words(result.out);
    std::int64_t bytes = 0, two_bytes = 0, exchanges = 0, two_exchanges = 0;
    double seconds = 0, exposed = 0;
    words >> bytes >> two_bytes >> exchanges >> two_exchanges >> seconds >> exposed;
    EXPECT_EQ(bytes, 4 * (3 * (16 * 16 + 16) + 2 * (16 + 1)));
    EXPECT_EQ(two_bytes, 2 * bytes);
    EXPECT_GT(exchanges, 1);
    EXPECT_EQ(two_exchanges, 2 * exchanges);
    EXPECT_GT(seconds, 0);
    EXPECT_GT(exposed, 0);
  }
}

}  // namespace
}  // namespace referent::testing
