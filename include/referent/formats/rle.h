// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace referent::formats {

/// A binary mask as COCO stores it: lengths of alternating runs of 0 and 1, beginning with 0, over
/// the pixels in column-major order.
struct Rle {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint32_t> counts;

  bool operator==(const Rle&) const = default;
};

/// COCO's text form of `counts`, bit-equal to pycocotools': each count as its difference to the one
/// before the last, in groups of 5 bits.
std::string encode_rle_counts(std::span<const std::uint32_t> counts);
/// The other way. Throws DataError for text that is not such a form.
std::vector<std::uint32_t> decode_rle_counts(std::string_view text);

/// Of a row-major mask of `height` x `width` bytes; every value but 0 counts as 1.
Rle rle_from_mask(std::span<const std::uint8_t> mask, std::int64_t height, std::int64_t width);
/// A row-major mask of 0 and 1. Throws DataError as check_rle() does.
std::vector<std::uint8_t> mask_from_rle(const Rle& rle);

/// Throws DataError unless the counts fill the picture exactly.
void check_rle(const Rle& rle);

/// Number of pixels that are 1.
std::uint64_t rle_area(const Rle& rle);

/// The pixels that are 1 in either mask. Throws DataError as check_rle() does, and for masks of
/// different sizes.
Rle rle_union(const Rle& a, const Rle& b);

}  // namespace referent::formats
