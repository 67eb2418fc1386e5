// SPDX-License-Identifier: Apache-2.0
// The loader's threads without what it loads: this test also runs under ThreadSanitizer, which does
// not know LibTorch.
#include "referent/core/batch_pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <numeric>
#include <string>

#include "referent/core/random.h"
#include "support/watchdog.h"

namespace referent {
namespace {

using Pipeline = BatchPipeline<std::string, std::vector<std::string>>;

std::vector<std::string> join(std::vector<std::string> parts, Pipeline::Indices indices) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i], "part " + std::to_string(indices[i]));
  }
  return parts;
}

std::string make(std::int64_t index) {
  return "part " + std::to_string(index);
}

/// `count` batches of 4 parts.
std::vector<Pipeline::Indices> batches(std::size_t count) {
  std::vector<Pipeline::Indices> result(count, Pipeline::Indices(4));
  for (std::size_t i = 0; i < count; ++i) {
    std::iota(result[i].begin(), result[i].end(), static_cast<std::int64_t>(4 * i));
  }
  return result;
}

TEST(BatchPipelineTest, OrderDoesNotDependOnWorkers) {
  for (const std::int64_t workers : {0, 1, 2, 5}) {
    Pipeline pipeline(batches(30), make, join, {.workers = workers, .ahead = 3});
    for (std::int64_t batch = 0; batch < 30; ++batch) {
      const auto parts = pipeline.next();
      ASSERT_TRUE(parts.has_value());
      EXPECT_THAT(*parts, ::testing::SizeIs(4));
      EXPECT_EQ(parts->front(), make(4 * batch)) << workers << " workers";
    }
    EXPECT_FALSE(pipeline.next().has_value());
  }
}

TEST(BatchPipelineTest, WhatJoiningThrowsComesOutInPlaceOfTheBatch) {
  const auto failing = [](std::vector<std::string> parts, const Pipeline::Indices& indices) {
    if (indices.front() == 8) throw DataError("batch 2 does not fit");
    return parts;
  };
  for (const std::int64_t workers : {0, 3}) {
    Pipeline pipeline(batches(9), make, failing, {.workers = workers});
    EXPECT_TRUE(pipeline.next().has_value());
    EXPECT_TRUE(pipeline.next().has_value());
    EXPECT_THROW(pipeline.next(), DataError);
    EXPECT_FALSE(pipeline.next().has_value());
  }
}

TEST(BatchPipelineTest, AThousandTimesAWorkerThrowsOrTheReaderLeaves) {
  const testing::Watchdog watchdog(300);
  constexpr int kRepeats = 1000;
  int thrown = 0;
  int left = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    RandomStream stream(static_cast<std::uint64_t>(repeat));
    const Pipeline::Options options{.workers = stream.integer(1, 4), .ahead = stream.integer(1, 3)};
    const std::int64_t broken = stream.integer(0, 39);
    const auto failing = [broken](std::int64_t index) {
      if (index == broken) throw DataError("part {} is torn", index);
      return make(index);
    };
    Pipeline breaking(batches(10), failing, join, options);
    std::int64_t whole = 0;
    try {
      while (breaking.next()) ++whole;
      ADD_FAILURE() << "no error";
    } catch (const DataError&) {
      ++thrown;
    }
    EXPECT_EQ(whole, broken / 4);
    // Left with all batches made ahead that there may be, or in the middle of making them.
    Pipeline pipeline(batches(10), make, join, options);
    for (std::int64_t batch = stream.integer(0, 3); batch > 0; --batch) pipeline.next();
    if (repeat % 8 == 0) ::usleep(1000);
    ++left;
  }
  std::printf("%d times a worker threw, %d times the queue was closed while full: 0 hangs\n",
              thrown, left);
  EXPECT_EQ(thrown, kRepeats);
}

}  // namespace
}  // namespace referent
