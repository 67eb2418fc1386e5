// SPDX-License-Identifier: Apache-2.0
#include "referent/image/encode.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "fixtures.h"
#include "referent/core/error.h"
#include "referent/image/decode.h"
#include "support/temporary_folder.h"

namespace referent::image {
namespace {

TEST(EncodeTest, PngKeepsEveryPixel) {
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{7, 5}, std::pair{640, 3}}) {
    const Image image = random_picture(width, height);
    const Image back = decode_bytes(encode_png(image), "png", Orientation::kIgnore);
    EXPECT_EQ(back.width, width);
    EXPECT_EQ(back.pixels, image.pixels);
  }
}

TEST(EncodeTest, JpegStaysCloseAndGrowsWithQuality) {
  const Image image = gradient_picture(61, 47);
  const auto file = encode_jpeg(image);
  const Image back = decode_bytes(file, "jpeg", Orientation::kIgnore);
  ASSERT_EQ(back.pixels.size(), image.pixels.size());
  int largest = 0;
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    largest = std::max(largest, std::abs(image.pixels[i] - back.pixels[i]));
  }
  EXPECT_LE(largest, 8);
  EXPECT_LT(encode_jpeg(image, 20).size(), file.size());
  EXPECT_THROW(encode_jpeg(image, 0), std::logic_error);
  EXPECT_THROW(encode_jpeg(Image()), std::logic_error);
  EXPECT_THROW(encode_jpeg(Image(65'536, 1)), DataError);
}

TEST(EncodeTest, TheExtensionDecidesTheType) {
  const testing::TemporaryFolder temporary;
  const Path& folder = temporary.path();
  const Image image = gradient_picture(16, 16);
  save_image(folder / "saved.PNG", image);
  EXPECT_EQ(read_file(folder / "saved.PNG"), encode_png(image));
  save_image(folder / "saved.jpeg", image);
  EXPECT_EQ(read_file(folder / "saved.jpeg"), encode_jpeg(image));
  EXPECT_THROW(save_image(folder / "saved.tiff", image), ConfigError);
  EXPECT_THROW(save_image(folder / "no_such_folder" / "saved.png", image), FileError);
  std::filesystem::remove(folder / "saved.PNG");
  std::filesystem::remove(folder / "saved.jpeg");
}

}  // namespace
}  // namespace referent::image
