// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "referent/core/random.h"

namespace referent::data {

/// The corner of a crop inside a picture [pixels].
struct CropCorner {
  std::int64_t top = 0;
  std::int64_t left = 0;
};

/// The random draws of the released train transform, abstract so that recorded ones can be played
/// again. Each function is one call that the released code makes of its generators.
class Draws {
 public:
  virtual ~Draws() = default;

  /// In [0, 1).
  virtual double random() = 0;
  /// In [low, high).
  virtual double uniform(double low, double high) = 0;
  /// In [low, high], both included.
  virtual std::int64_t randint(std::int64_t low, std::int64_t high) = 0;
  virtual std::int64_t choice(std::span<const std::int64_t> values) = 0;
  /// The numbers 0 .. count-1 in some order.
  virtual std::vector<std::int64_t> permutation(std::int64_t count) = 0;
  /// Where a crop of `crop_width` x `crop_height` lies in a picture of `width` x `height`, which it
  /// fits into.
  virtual CropCorner crop_corner(std::int64_t width, std::int64_t height, std::int64_t crop_width,
                                 std::int64_t crop_height) = 0;
};

/// Draws from the stream of one sample.
class StreamDraws final : public Draws {
 public:
  /// `stream` must outlive this.
  explicit StreamDraws(RandomStream& stream) : stream_(stream) {}

  double random() override { return stream_.uniform(); }
  double uniform(double low, double high) override { return stream_.uniform(low, high); }
  std::int64_t randint(std::int64_t low, std::int64_t high) override {
    return stream_.integer(low, high);
  }
  std::int64_t choice(std::span<const std::int64_t> values) override {
    return stream_.choice(values);
  }
  std::vector<std::int64_t> permutation(std::int64_t count) override;
  CropCorner crop_corner(std::int64_t width, std::int64_t height, std::int64_t crop_width,
                         std::int64_t crop_height) override;

 private:
  RandomStream& stream_;
};

/// One draw that the released code made.
struct RecordedDraw {
  std::string function;  ///< "random", "uniform", "randint", "choice", "permutation", "crop_params"
  std::vector<double> arguments;
  std::vector<double> values;  ///< crop_params: top, left, height, width
};

/// Plays recorded draws in order. A call that differs from the recorded one in function or
/// arguments, or comes after the last, throws DataError.
class ReplayedDraws final : public Draws {
 public:
  explicit ReplayedDraws(std::vector<RecordedDraw> record) : record_(std::move(record)) {}

  double random() override;
  double uniform(double low, double high) override;
  std::int64_t randint(std::int64_t low, std::int64_t high) override;
  std::int64_t choice(std::span<const std::int64_t> values) override;
  std::vector<std::int64_t> permutation(std::int64_t count) override;
  CropCorner crop_corner(std::int64_t width, std::int64_t height, std::int64_t crop_width,
                         std::int64_t crop_height) override;

  /// Recorded draws that nobody has asked for yet.
  std::size_t remaining() const { return record_.size() - next_; }

 private:
  const std::vector<double>& take(std::string_view function, std::vector<double> arguments,
                                  std::size_t values);

  std::vector<RecordedDraw> record_;
  std::size_t next_ = 0;
};

}  // namespace referent::data
