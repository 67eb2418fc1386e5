// SPDX-License-Identifier: Apache-2.0
// Long runs keep the memory and the open files that they have after their first quarter.
#include <ATen/Parallel.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "e2e/processes.h"
#include "referent/core/error.h"
#include "referent/inference/predictor.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

struct Reading {
  double work = 0;       ///< steps or predictions so far
  double megabytes = 0;  ///< resident
  std::ptrdiff_t descriptors = 0;
};

Reading read(pid_t process, double work) {
  Reading reading{work, 0, 0};
  std::ifstream status(fmt::format("/proc/{}/status", process));
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") status >> reading.megabytes;
  }
  reading.megabytes /= 1024;
  std::error_code ended;
  const fs::directory_iterator open(fmt::format("/proc/{}/fd", process), ended);
  if (!ended) reading.descriptors = std::distance(fs::begin(open), fs::end(open));
  return reading;
}

/// Least squares: megabytes per 1,000 pieces of work.
double slope(const std::vector<Reading>& readings) {
  double work = 0, megabytes = 0;
  for (const Reading& reading : readings) {
    work += reading.work;
    megabytes += reading.megabytes;
  }
  const auto count = static_cast<double>(readings.size());
  work /= count;
  megabytes /= count;
  double products = 0, squares = 0;
  for (const Reading& reading : readings) {
    products += (reading.work - work) * (reading.megabytes - megabytes);
    squares += (reading.work - work) * (reading.work - work);
  }
  return 1000 * products / squares;
}

std::ptrdiff_t most_open(std::vector<Reading>::const_iterator begin,
                         std::vector<Reading>::const_iterator end) {
  return std::max_element(
             begin, end,
             [](const Reading& a, const Reading& b) { return a.descriptors < b.descriptors; })
      ->descriptors;
}

class SoakTest : public StatefulTraining {};

TEST_F(SoakTest, TwoThousandStepsOfTraining) {
  constexpr int kSteps = 2000;
  Process process(
      program(),
      train("soak", {"--set", "train.epochs=200", "--set", "train.early_stopping=null", "--set",
                     "train.save_every_steps=50", "--set", "train.eval_every_epochs=5"}),
      {.environment = {{"OMP_NUM_THREADS", "1"}}, .limit = std::chrono::hours(1)});
  std::vector<Reading> readings;
  while (process.running()) {
    const auto steps = static_cast<double>(steps_so_far("soak"));
    const Reading reading = read(process.id(), steps);
    // The last ones are of a process that takes itself down.
    if (steps > kSteps / 4 && steps < kSteps - 20) readings.push_back(reading);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_THAT(process.wait(), ExitsWith(0));
  ASSERT_GT(readings.size(), 100U);
  const double grows = slope(readings);
  const auto third = static_cast<std::ptrdiff_t>(readings.size() / 3);
  const std::ptrdiff_t early = most_open(readings.begin(), readings.begin() + third);
  const std::ptrdiff_t late = most_open(readings.end() - third, readings.end());
  fmt::print(
      "{} steps: {:+.3f} MB per 1,000 (from {:.0f} MB, {} readings), {} descriptors at most "
      "in the first third and {} in the last\n",
      kSteps, grows, readings.front().megabytes, readings.size(), early, late);
  EXPECT_LE(grows, 1);
  EXPECT_EQ(early, late);
}

TEST_F(SoakTest, TenThousandPredictions) {
  constexpr int kPredictions = 10000;
  at::set_num_threads(1);
  const inference::Predictor predictor(tiny_.checkpoint());
  const std::vector<std::string> expressions{"the red circle", "small blue square on the left",
                                             "the triangle"};
  std::vector<Reading> readings;
  for (int i = 0; i < kPredictions; ++i) {
    const Path picture = tiny_.scenes() / "images" / fmt::format("train-{:06}.png", i % 40);
    const auto& expression = expressions[static_cast<std::size_t>(i) % expressions.size()];
    ASSERT_TRUE(std::isfinite(predictor.ground(picture, expression).box.x1));
    if (i > kPredictions / 4 && i % 10 == 0) readings.push_back(read(::getpid(), i));
  }
  const double grows = slope(readings);
  fmt::print("{} predictions: {:+.3f} MB per 1,000 (from {:.0f} MB, {} readings), {} descriptors\n",
             kPredictions, grows, readings.front().megabytes, readings.size(),
             readings.back().descriptors);
  EXPECT_LE(grows, 1);
  EXPECT_EQ(readings.front().descriptors, readings.back().descriptors);
}

}  // namespace
}  // namespace referent::testing
