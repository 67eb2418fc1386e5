// SPDX-License-Identifier: Apache-2.0
// Long runs keep the memory and the open files that they have after their first quarter.
#include <ATen/Parallel.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>

#include "e2e/processes.h"
#include "referent/core/error.h"
#include "referent/core/random.h"
#include "referent/data/dataset.h"
#include "referent/image/decode.h"
#include "referent/inference/build.h"
#include "referent/inference/predictor.h"
#include "referent/loader/loader.h"
#include "referent/text/config.h"

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

/// REFERENT_SOAK_MINUTES; five where it is not set.
std::chrono::milliseconds loading_time() {
  const char* minutes = std::getenv("REFERENT_SOAK_MINUTES");
  return std::chrono::minutes(minutes == nullptr ? 5 : std::stoi(minutes));
}

TEST_F(SoakTest, LoadingForLong) {
  using Clock = std::chrono::steady_clock;
  const std::vector<std::string> released{"data.augment.type=released"};
  const engine::RunConfig config = engine::load_run_config(tiny_.config(), released);
  const std::shared_ptr<const text::Tokenizer> tokenizer =
      text::make_tokenizer(config.model.text_encoder.tokenizer);
  const auto transform = data::make_train_transform(inference::transform_context(config, tokenizer),
                                                    config.data.augment);
  const std::vector<data::Example> examples =
      data::open_dataset(config.data.train.front(), data::Masks::kIgnore).examples;
  std::vector<std::int64_t> order(examples.size());
  std::iota(order.begin(), order.end(), 0);

  std::vector<Reading> readings;
  double samples = 0;
  const Clock::time_point start = Clock::now();
  const Clock::time_point end = start + loading_time();
  Clock::time_point next = start + loading_time() / 4;
  for (std::uint64_t epoch = 0; Clock::now() < end; ++epoch) {
    const auto make = [&](std::int64_t index) {
      const data::Example& example = examples[static_cast<std::size_t>(index)];
      RandomStream stream(1, epoch, static_cast<std::uint64_t>(index), "augment");
      return (*transform)(example, image::decode_file(example.image, image::Orientation::kIgnore),
                          stream);
    };
    loader::Loader loader(make, loader::cut(order, /*batch_size=*/8, /*drop_last=*/false),
                          {.text_length = config.data.text.length, .workers = 2});
    while (const auto batch = loader.next()) {
      ASSERT_TRUE(batch->batch.images.flatten(1).any(1).all().item<bool>());  // none is black
      samples += static_cast<double>(batch->batch.size());
    }
    // Seldom enough for the readings themselves to take no memory that shows.
    if (Clock::now() > next) {
      readings.push_back(read(::getpid(), samples));
      next = Clock::now() + loading_time() / 1000;
    }
  }
  ASSERT_GT(readings.size(), 100U);
  const double grows = slope(readings);
  fmt::print(
      "{:.0f} samples in {} minutes: {:+.4f} MB per 1,000 (from {:.1f} to {:.1f} MB, {} "
      "readings), {} descriptors\n",
      samples, std::chrono::floor<std::chrono::minutes>(loading_time()).count(), grows,
      readings.front().megabytes, readings.back().megabytes, readings.size(),
      readings.back().descriptors);
  EXPECT_LE(grows, 1);
  EXPECT_LE(readings.back().megabytes, readings.front().megabytes + 10);
  EXPECT_EQ(readings.front().descriptors, readings.back().descriptors);
}

}  // namespace
}  // namespace referent::testing
