// SPDX-License-Identifier: Apache-2.0
#include "resample_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "referent/core/random.h"

namespace referent::image {
namespace {

constexpr std::int32_t kOne = 1 << kWeightBits;

std::vector<std::uint8_t> random_bytes(std::size_t count, RandomStream& stream) {
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(stream.integer(0, 255));
  return bytes;
}

/// Weights as a cubic kernel has them, which sum to about one: some are negative, one may be whole.
std::vector<std::int32_t> random_weights(std::size_t count, RandomStream& stream) {
  std::vector<std::int32_t> weights(count);
  std::int64_t rest = kOne;
  for (std::size_t i = 1; i < count; ++i) {
    weights[i] = static_cast<std::int32_t>(stream.integer(-kOne / 8, kOne / 2) /
                                           static_cast<std::int64_t>(count));
    rest -= weights[i];
  }
  weights[0] = static_cast<std::int32_t>(rest);
  return weights;
}

TEST(ResampleRowsTest, WidenedRowsAreThoseOfThePlainLoop) {
  RandomStream stream(1);
  for (const std::size_t width : {1, 2, 3, 17, 64, 131}) {
    for (const std::size_t taps : {1, 2, 3, 4, 5, 9}) {
      constexpr std::size_t kInputs = 40;
      ResamplePlan plan{taps, {}, {}, {}};
      for (std::size_t x = 0; x < width; ++x) {
        plan.first.push_back(stream.integer(0, kInputs - 1));
        std::ranges::copy(random_weights(taps, stream), std::back_inserter(plan.weights));
      }
      pair_weights(plan);
      const auto from = random_bytes(3 * (kInputs + taps) + kReadBehind, stream);
      std::vector<std::uint8_t> fast(3 * width + kWrittenBehind);
      std::vector<std::uint8_t> plain(3 * width);
      widen_row(from.data(), plan, fast.data());
      widen_row_plain(from.data(), plan, plain.data());
      fast.resize(plain.size());
      EXPECT_EQ(fast, plain) << width << " pixels of " << taps;
    }
  }
}

TEST(ResampleRowsTest, CombinedRowsAreThoseOfThePlainLoop) {
  RandomStream stream(2);
  for (const std::int64_t count : {1, 15, 16, 17, 33, 300}) {
    for (const std::size_t taps : {1, 2, 3, 7}) {
      std::vector<std::vector<std::uint8_t>> bytes;
      std::vector<const std::uint8_t*> rows;
      for (std::size_t j = 0; j < taps; ++j) {
        bytes.push_back(random_bytes(static_cast<std::size_t>(count), stream));
      }
      for (const auto& row : bytes) rows.push_back(row.data());
      const std::vector<std::int32_t> weights = random_weights(taps, stream);
      std::vector<std::uint8_t> fast(static_cast<std::size_t>(count));
      std::vector<std::uint8_t> plain(static_cast<std::size_t>(count));
      combine_rows(rows, weights.data(), count, fast.data());
      combine_rows_plain(rows, weights.data(), count, plain.data());
      EXPECT_EQ(fast, plain) << count << " bytes of " << taps;
    }
  }
}

TEST(ResampleRowsTest, SumsAreRoundedAndClamped) {
  constexpr std::size_t kCount = 20;  // more than AVX2 takes at once
  const std::vector<std::uint8_t> low(kCount, 100);
  const std::vector<std::uint8_t> high(kCount, 201);
  const std::array<const std::uint8_t*, 2> rows{low.data(), high.data()};
  const auto combined = [&](std::int32_t first, std::int32_t second) {
    std::vector<std::uint8_t> to(kCount);
    combine_rows(rows, std::array{first, second}.data(), kCount, to.data());
    return to;
  };
  EXPECT_EQ(combined(kOne / 2, kOne / 2), std::vector<std::uint8_t>(kCount, 151));       // 150.5
  EXPECT_EQ(combined(-kOne / 2, kOne * 3 / 2), std::vector<std::uint8_t>(kCount, 252));  // 251.5
  EXPECT_EQ(combined(-kOne, kOne * 2), std::vector<std::uint8_t>(kCount, 255));          // 302
  EXPECT_EQ(combined(kOne, -kOne), std::vector<std::uint8_t>(kCount, 0));
}

}  // namespace
}  // namespace referent::image
