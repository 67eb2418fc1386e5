// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// The inner loops of the resampling: sums of bytes times fixed-point weights, rounded to bytes.
/// Each is there in plain C++ and with AVX2, equal to the bit; the functions without a suffix
/// choose what the processor has.
namespace referent::image {

/// Fraction bits of the weights: 32 less 8 for the pixel and 2 for overshoot and sign.
constexpr int kWeightBits = 22;

/// What each output sample is made of: `taps` input samples from `first` on, with as many weights.
/// Behind the weights of a sample of fewer come zeros.
struct ResamplePlan {
  std::size_t taps = 0;
  std::vector<std::int64_t> first;
  std::vector<std::int32_t> weights;
  /// The weights as AVX2 multiplies them; by pair_weights().
  std::vector<std::int16_t> pairs;

  const std::int32_t* weights_of(std::int64_t i) const {
    return weights.data() + static_cast<std::size_t>(i) * taps;
  }
};

/// Bytes that must be readable behind a row for widen_row(), besides `taps` pixels. They count
/// nothing.
constexpr std::size_t kReadBehind = 16;
/// Bytes behind a row that widen_row() writes to.
constexpr std::size_t kWrittenBehind = 4;

/// Fills `plan.pairs`: for two neighbouring output samples a and b and every two taps, eight
/// numbers: the weights' upper parts a0 a1 b0 b1 and their lower kLowerBits a0 a1 b0 b1.
void pair_weights(ResamplePlan& plan);

/// A row of pixels `from` at the width of the plan, which has its pairs.
void widen_row(const std::uint8_t* from, const ResamplePlan& plan, std::uint8_t* to);
void widen_row_plain(const std::uint8_t* from, const ResamplePlan& plan, std::uint8_t* to);

/// The sum of rows of `count` bytes, each times its weight.
void combine_rows(std::span<const std::uint8_t* const> rows, const std::int32_t* weights,
                  std::int64_t count, std::uint8_t* to);
void combine_rows_plain(std::span<const std::uint8_t* const> rows, const std::int32_t* weights,
                        std::int64_t count, std::uint8_t* to);

}  // namespace referent::image
