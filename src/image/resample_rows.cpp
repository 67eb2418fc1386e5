// SPDX-License-Identifier: Apache-2.0
#include "resample_rows.h"

#include <algorithm>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace referent::image {
namespace {

constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);
/// Where a weight is cut in two, so that either part and a pixel fit 16 bits.
constexpr int kLowerBits = 11;
constexpr std::size_t kPairNumbers = 8;

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

/// combine_rows from byte `begin` on.
void combine_from(std::int64_t begin, std::span<const std::uint8_t* const> rows,
                  const std::int32_t* weights, std::int64_t count, std::uint8_t* to) {
  for (std::int64_t i = begin; i < count; ++i) {
    std::int32_t sum = kHalf;
    for (std::size_t j = 0; j < rows.size(); ++j) sum += rows[j][i] * weights[j];
    to[i] = to_pixel(sum);
  }
}

#ifdef __x86_64__

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

__attribute__((target("avx2"))) inline __m128i load_16(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

__attribute__((target("avx2"))) void combine_rows_avx2(std::span<const std::uint8_t* const> rows,
                                                       const std::int32_t* weights,
                                                       std::int64_t count, std::uint8_t* to) {
  constexpr std::int64_t kLanes = 16;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    __m256i low = _mm256_set1_epi32(kHalf);
    __m256i high = low;
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const __m128i bytes = load_16(rows[j] + i);
      const __m256i weight = _mm256_set1_epi32(weights[j]);
      low = _mm256_add_epi32(low, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(bytes), weight));
      high = _mm256_add_epi32(
          high, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)), weight));
    }
    // Packing saturates, which is the clamp, and works within halves.
    const __m256i words =
        _mm256_permute4x64_epi64(_mm256_packs_epi32(_mm256_srai_epi32(low, kWeightBits),
                                                    _mm256_srai_epi32(high, kWeightBits)),
                                 _MM_SHUFFLE(3, 1, 2, 0));
    const __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), bytes);
  }
  combine_from(i, rows, weights, count, to);
}

/// Two pixels at a time, one in each half of a register, and two taps of each: red, green, blue and
/// something more, each beside its right neighbour's.
__attribute__((target("avx2"))) void widen_row_avx2(const std::uint8_t* from,
                                                    const ResamplePlan& plan, std::uint8_t* to) {
  const __m256i beside = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
  const __m256i first_weights = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  const __m256i second_weights = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
  const std::size_t count = plan.first.size();
  const std::int16_t* weights = plan.pairs.data();
  for (std::size_t x = 0; x < count; x += 2, to += 6) {
    const std::uint8_t* a = from + 3 * plan.first[x];
    const std::uint8_t* b = from + 3 * plan.first[std::min(x + 1, count - 1)];
    __m256i upper = _mm256_setzero_si256();
    __m256i lower = _mm256_set1_epi32(kHalf);
    for (std::size_t tap = 0; tap < plan.taps; tap += 2, a += 6, b += 6) {
      const __m256i bytes =
          _mm256_inserti128_si256(_mm256_castsi128_si256(load_16(a)), load_16(b), 1);
      const __m256i pixels = _mm256_shuffle_epi8(bytes, beside);
      const __m256i pair = _mm256_castsi128_si256(load_16(weights));
      weights += kPairNumbers;
      upper = _mm256_add_epi32(
          upper, _mm256_madd_epi16(pixels, _mm256_permutevar8x32_epi32(pair, first_weights)));
      lower = _mm256_add_epi32(
          lower, _mm256_madd_epi16(pixels, _mm256_permutevar8x32_epi32(pair, second_weights)));
    }
    const __m256i sums = _mm256_add_epi32(_mm256_slli_epi32(upper, kLowerBits), lower);
    const __m256i values = _mm256_srai_epi32(sums, kWeightBits);
    const __m256i words = _mm256_packs_epi32(values, values);  // saturates, which is the clamp
    const __m256i packed = _mm256_packus_epi16(words, words);
    const int pixel_a = _mm256_extract_epi32(packed, 0);
    const int pixel_b = _mm256_extract_epi32(packed, 4);
    std::memcpy(to, &pixel_a, sizeof pixel_a);
    std::memcpy(to + 3, &pixel_b, sizeof pixel_b);
  }
}

#endif

}  // namespace

void pair_weights(ResamplePlan& plan) {
  const std::size_t count = plan.first.size();
  const std::size_t tap_pairs = (plan.taps + 1) / 2;
  plan.pairs.assign((count + 1) / 2 * tap_pairs * kPairNumbers, 0);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t tap = 0; tap < plan.taps; ++tap) {
      const std::int32_t weight = plan.weights[i * plan.taps + tap];
      std::int16_t* const to =
          plan.pairs.data() + (i / 2 * tap_pairs + tap / 2) * kPairNumbers + i % 2 * 2 + tap % 2;
      to[0] = static_cast<std::int16_t>(weight >> kLowerBits);
      to[4] = static_cast<std::int16_t>(weight & ((1 << kLowerBits) - 1));
    }
  }
}

void widen_row_plain(const std::uint8_t* from, const ResamplePlan& plan, std::uint8_t* to) {
  const std::int32_t* weight = plan.weights.data();
  for (const std::int64_t first : plan.first) {
    const std::uint8_t* pixel = from + 3 * first;
    std::int32_t red = kHalf;
    std::int32_t green = kHalf;
    std::int32_t blue = kHalf;
    for (std::size_t tap = 0; tap < plan.taps; ++tap, pixel += 3, ++weight) {
      red += pixel[0] * *weight;
      green += pixel[1] * *weight;
      blue += pixel[2] * *weight;
    }
    *to++ = to_pixel(red);
    *to++ = to_pixel(green);
    *to++ = to_pixel(blue);
  }
}

void combine_rows_plain(std::span<const std::uint8_t* const> rows, const std::int32_t* weights,
                        std::int64_t count, std::uint8_t* to) {
  combine_from(0, rows, weights, count, to);
}

void widen_row(const std::uint8_t* from, const ResamplePlan& plan, std::uint8_t* to) {
#ifdef __x86_64__
  if (has_avx2()) return widen_row_avx2(from, plan, to);
#endif
  widen_row_plain(from, plan, to);
}

void combine_rows(std::span<const std::uint8_t* const> rows, const std::int32_t* weights,
                  std::int64_t count, std::uint8_t* to) {
#ifdef __x86_64__
  if (has_avx2()) return combine_rows_avx2(rows, weights, count, to);
#endif
  combine_rows_plain(rows, weights, count, to);
}

}  // namespace referent::image
