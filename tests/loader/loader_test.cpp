// SPDX-License-Identifier: Apache-2.0
#include "referent/loader/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <thread>

#include "referent/core/error.h"
#include "referent/core/random.h"
#include "support/watchdog.h"

namespace referent::loader {
namespace {

/// Sample number `index`, after a while that differs from sample to sample.
data::Sample slow_sample(std::int64_t index) {
  RandomStream stream(static_cast<std::uint64_t>(index));
  std::this_thread::sleep_for(std::chrono::microseconds(stream.integer(0, 800)));
  data::Sample sample;
  sample.id = std::to_string(index);
  sample.size = 4;
  sample.image = image::Image(4, 4);
  sample.image.pixels.assign(48, static_cast<std::uint8_t>(index));
  if (index % 2 == 0) sample.mask = image::Mask(4, 4);
  sample.tokens.ids = {index};
  return sample;
}

std::vector<std::int64_t> numbers(std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.rbegin(), order.rend(), 0);  // the last first
  return order;
}

/// What the loader gives, batch by batch.
std::vector<std::vector<std::int64_t>> drain(Loader& loader) {
  std::vector<std::vector<std::int64_t>> batches;
  while (const auto loaded = loader.next()) {
    const auto& indices = loaded->indices;
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      EXPECT_EQ(loaded->samples[i].id, std::to_string(indices[i]));
      EXPECT_TRUE(loaded->samples[i].image.empty());
      EXPECT_FALSE(loaded->samples[i].mask.has_value());
      EXPECT_EQ(loaded->batch.has_mask.defined() && loaded->batch.has_mask[row].item<bool>(),
                indices[i] % 2 == 0);
      EXPECT_EQ(loaded->batch.tokens[row][0].item<std::int64_t>(), indices[i]);
    }
    batches.push_back(indices);
  }
  return batches;
}

TEST(LoaderTest, OrderDoesNotDependOnWorkers) {
  const Batches batches = cut(numbers(50), 4, /*drop_last=*/false);
  Loader inline_loader(slow_sample, batches, {.text_length = 2});
  const auto expected = drain(inline_loader);
  EXPECT_EQ(expected, batches);
  for (const std::int64_t workers : {1, 2, 5}) {
    for (const std::int64_t ahead : {1, 3}) {
      Loader loader(slow_sample, batches, {.text_length = 2, .workers = workers, .ahead = ahead});
      EXPECT_EQ(drain(loader), expected) << workers << " workers, " << ahead << " ahead";
      EXPECT_FALSE(loader.next().has_value());
    }
  }
}

TEST(LoaderTest, AnOrderIsCutIntoBatches) {
  EXPECT_THAT(
      cut(numbers(5), 2, /*drop_last=*/false),
      ::testing::ElementsAre(std::vector<std::int64_t>{4, 3}, std::vector<std::int64_t>{2, 1},
                             std::vector<std::int64_t>{0}));
  EXPECT_EQ(cut(numbers(5), 2, /*drop_last=*/true).size(), 2U);
  EXPECT_EQ(cut(numbers(4), 2, /*drop_last=*/true).size(), 2U);
  EXPECT_TRUE(cut({}, 2, /*drop_last=*/false).empty());
  EXPECT_TRUE(cut(numbers(1), 2, /*drop_last=*/true).empty());
}

TEST(LoaderTest, ErrorsComeOutInPlaceOfTheirBatch) {
  const auto failing = [](std::int64_t index) {
    if (index == 8) {
      // The other failing sample of the batch fails earlier, but stands after this one.
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      throw DataError("picture 8 is torn");
    }
    if (index == 7) throw DataError("picture 7 is torn");
    return slow_sample(index);
  };
  for (const std::int64_t workers : {0, 1, 4}) {
    Loader loader(failing, cut(numbers(20), 4, false), {.text_length = 2, .workers = workers});
    EXPECT_TRUE(loader.next().has_value());  // 19 to 16
    EXPECT_TRUE(loader.next().has_value());
    try {
      loader.next();  // 11 to 8
      ADD_FAILURE() << "no error with " << workers << " workers";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("picture 8"));
    }
    EXPECT_FALSE(loader.next().has_value());
  }
}

TEST(LoaderTest, WorkersStayWithinTheirWindow) {
  std::atomic<int> made{0};
  const auto counting = [&](std::int64_t index) {
    ++made;
    return slow_sample(index);
  };
  {
    Loader loader(counting, cut(numbers(400), 4, false),
                  {.text_length = 2, .workers = 3, .ahead = 2});
    EXPECT_TRUE(loader.next().has_value());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }  // ends with batches unread
  EXPECT_LE(made, 3 * 4);
  EXPECT_GE(made, 4);
}

TEST(LoaderTest, AThousandTimesAWorkerThrowsOrTheReaderLeaves) {
  const testing::Watchdog watchdog(120);
  constexpr int kRepeats = 1000;
  const auto quick_sample = [](std::int64_t index) {
    data::Sample sample;
    sample.id = std::to_string(index);
    sample.size = 4;
    sample.image = image::Image(4, 4);
    sample.tokens.ids = {index};
    return sample;
  };
  int thrown = 0, left = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    RandomStream stream(static_cast<std::uint64_t>(repeat));
    const LoaderOptions options{
        .text_length = 2, .workers = stream.integer(1, 4), .ahead = stream.integer(1, 3)};
    const std::int64_t broken = stream.integer(0, 39);
    const auto failing = [&](std::int64_t index) {
      if (index == broken) throw DataError("picture {} is torn", index);
      return quick_sample(index);
    };
    try {
      Loader loader(failing, cut(numbers(40), 4, false), options);
      while (loader.next()) {
      }
      ADD_FAILURE() << "no error";
    } catch (const DataError&) {
      ++thrown;
    }
    // Left with all batches made ahead that there may be, or in the middle of making them.
    Loader loader(quick_sample, cut(numbers(40), 4, false), options);
    for (std::int64_t batch = stream.integer(0, 3); batch > 0; --batch) loader.next();
    if (repeat % 8 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++left;
  }
  std::printf("%d times a worker threw, %d times the queue was closed while full: 0 hangs\n",
              thrown, left);
  EXPECT_EQ(thrown, kRepeats);
}

}  // namespace
}  // namespace referent::loader
