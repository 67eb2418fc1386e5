// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "fixtures.h"
#include "referent/image/resample.h"

namespace referent::image {
namespace {

Image resize_by_opencv(const Image& image, std::int64_t width, std::int64_t height) {
  const cv::Mat from(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                     const_cast<std::uint8_t*>(image.pixels.data()));
  Image result(width, height);
  cv::Mat to(static_cast<int>(height), static_cast<int>(width), CV_8UC3, result.pixels.data());
  cv::resize(from, to, to.size(), 0, 0, cv::INTER_LINEAR);
  return result;
}

int largest_difference(const Image& a, const Image& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    largest = std::max(largest, std::abs(int{a.pixels[i]} - int{b.pixels[i]}));
  }
  return largest;
}

TEST(PlainResizeTest, EqualsOpenCvToTheBit) {
  const Image image = random_picture(97, 61);
  for (const auto& [width, height] :
       {std::pair{44, 61}, std::pair{97, 28}, std::pair{68, 43}, std::pair{31, 19},
        std::pair{150, 100}, std::pair{1, 1}, std::pair{194, 122}, std::pair{97, 61}}) {
    EXPECT_EQ(resize(image, width, height, Filter::kPlainBilinear).pixels,
              resize_by_opencv(image, width, height).pixels)
        << width << " x " << height;
  }
  EXPECT_EQ(resize(random_picture(1, 1), 5, 4, Filter::kPlainBilinear).pixels,
            resize_by_opencv(random_picture(1, 1), 5, 4).pixels);
}

TEST(PlainResizeTest, AHalfDiffersByAtMostOne) {
  const Image image = random_picture(96, 60);
  EXPECT_LE(largest_difference(resize(image, 48, 30, Filter::kPlainBilinear),
                               resize_by_opencv(image, 48, 30)),
            1);
}

TEST(PlainResizeTest, FinePatternsAliasAsNoAntialiasedOnesDo) {
  Image stripes(400, 4);
  for (std::int64_t y = 0; y < 4; ++y) {
    for (std::int64_t x = 0; x < 400; ++x) {
      std::fill_n(stripes.row(y) + 3 * x, 3, x % 2 == 0 ? std::uint8_t{0} : std::uint8_t{255});
    }
  }
  const auto range = [](const Image& image) {
    const auto [low, high] = std::minmax_element(image.pixels.begin(), image.pixels.end());
    return *high - *low;
  };
  EXPECT_GT(range(resize(stripes, 130, 4, Filter::kPlainBilinear)), 200);
  EXPECT_LT(range(resize(stripes, 130, 4, Filter::kBilinear)), 60);
}

}  // namespace
}  // namespace referent::image
