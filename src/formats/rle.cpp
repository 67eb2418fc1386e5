// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/rle.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "checked.h"
#include "referent/core/error.h"

namespace referent::formats {
namespace {

// A group is one printable character: 5 bits of the number, lowest first, and a sixth that says
// that more follow. The number is signed: the highest bit of its last group is its sign.
constexpr int kGroupBits = 5;
constexpr std::int64_t kGroupMask = 0x1F;
constexpr std::int64_t kMoreBit = 0x20;
constexpr std::int64_t kSignBit = 0x10;
constexpr char kFirstCharacter = '0';
constexpr int kMaxShift = 35;
constexpr std::uint64_t kMaxPixels = 1ULL << 28U;
/// From the fourth count on, the difference to the one two before is written.
constexpr std::size_t kFirstDifference = 3;

/// Builds the runs of a mask from stretches of pixels of one value.
class RunWriter {
 public:
  void add(bool value, std::uint32_t length) {
    if (value != value_) {
      counts_.push_back(run_);
      run_ = 0;
      value_ = value;
    }
    run_ += length;
  }
  std::vector<std::uint32_t> finish() && {
    counts_.push_back(run_);
    return std::move(counts_);
  }

 private:
  std::vector<std::uint32_t> counts_;
  bool value_ = false;
  std::uint32_t run_ = 0;
};

/// Walks over the runs of a mask, a stretch of any length at a time.
class RunReader {
 public:
  explicit RunReader(std::span<const std::uint32_t> counts) : counts_(counts) { skip_empty(); }

  bool done() const { return next_ == counts_.size(); }
  bool value() const { return next_ % 2 == 1; }
  std::uint32_t left() const { return counts_[next_] - used_; }
  void advance(std::uint32_t length) {
    used_ += length;
    skip_empty();
  }

 private:
  void skip_empty() {
    while (!done() && left() == 0) {
      ++next_;
      used_ = 0;
    }
  }

  std::span<const std::uint32_t> counts_;
  std::size_t next_ = 0;
  std::uint32_t used_ = 0;  ///< of the run `next_`
};

}  // namespace

std::string encode_rle_counts(std::span<const std::uint32_t> counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::int64_t value = counts[i];
    if (i >= kFirstDifference) value -= counts[i - 2];
    bool more = true;
    while (more) {
      std::int64_t group = value & kGroupMask;
      value >>= kGroupBits;
      more = (group & kSignBit) != 0 ? value != -1 : value != 0;
      if (more) group |= kMoreBit;
      text.push_back(static_cast<char>(group + kFirstCharacter));
    }
  }
  return text;
}

std::vector<std::uint32_t> decode_rle_counts(std::string_view text) {
  std::vector<std::uint32_t> counts;
  for (std::size_t position = 0; position < text.size();) {
    std::int64_t value = 0;
    int shift = 0;
    bool more = true;
    while (more) {
      if (position == text.size() || shift > kMaxShift) {
        throw DataError("run-length counts that end within a number");
      }
      const std::int64_t group = text[position++] - kFirstCharacter;
      if (group < 0 || group > (kGroupMask | kMoreBit)) {
        throw DataError("character 0x{:02x} in run-length counts",
                        static_cast<unsigned char>(text[position - 1]));
      }
      value |= (group & kGroupMask) << shift;
      shift += kGroupBits;
      more = (group & kMoreBit) != 0;
      if (!more && (group & kSignBit) != 0) value -= std::int64_t{1} << shift;
    }
    if (counts.size() >= kFirstDifference) value += counts[counts.size() - 2];
    if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) {
      throw DataError("a run length of {}", value);
    }
    counts.push_back(static_cast<std::uint32_t>(value));
  }
  return counts;
}

Rle rle_from_mask(std::span<const std::uint8_t> mask, std::int64_t height, std::int64_t width) {
  REFERENT_CHECK(static_cast<std::int64_t>(mask.size()) == height * width, "{} bytes for {} x {}",
                 mask.size(), height, width);
  RunWriter runs;
  for (std::int64_t x = 0; x < width; ++x) {
    for (std::int64_t y = 0; y < height; ++y) {
      runs.add(mask[static_cast<std::size_t>(y * width + x)] != 0, 1);
    }
  }
  return {height, width, std::move(runs).finish()};
}

void check_rle(const Rle& rle) {
  const auto size = checked_bytes(std::vector{rle.height, rle.width}, DType::kUInt8);
  std::uint64_t total = 0;
  for (const std::uint32_t count : rle.counts) total += count;
  if (total > kMaxPixels)
    throw DataError("a mask of {} pixels; at most {} are read", total, kMaxPixels);
  if (size != total) {
    throw DataError("run lengths of {} pixels in all for a mask of {} x {}", total, rle.height,
                    rle.width);
  }
}

std::vector<std::uint8_t> mask_from_rle(const Rle& rle) {
  check_rle(rle);
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(rle.height * rle.width));
  std::int64_t position = 0;
  std::uint8_t value = 0;
  for (const std::uint32_t count : rle.counts) {
    for (const std::int64_t end = position + count; position < end; ++position) {
      const std::int64_t x = position / rle.height;
      const std::int64_t y = position % rle.height;
      mask[static_cast<std::size_t>(y * rle.width + x)] = value;
    }
    value ^= 1U;
  }
  return mask;
}

std::uint64_t rle_area(const Rle& rle) {
  std::uint64_t area = 0;
  for (std::size_t i = 1; i < rle.counts.size(); i += 2) area += rle.counts[i];
  return area;
}

Rle rle_union(const Rle& a, const Rle& b) {
  check_rle(a);
  check_rle(b);
  if (a.height != b.height || a.width != b.width) {
    throw DataError("masks of {} x {} and {} x {} have no union", a.height, a.width, b.height,
                    b.width);
  }
  RunReader from_a(a.counts);
  RunReader from_b(b.counts);
  RunWriter runs;
  while (!from_a.done()) {  // both are as long
    const std::uint32_t length = std::min(from_a.left(), from_b.left());
    runs.add(from_a.value() || from_b.value(), length);
    from_a.advance(length);
    from_b.advance(length);
  }
  return {a.height, a.width, std::move(runs).finish()};
}

}  // namespace referent::formats
