// SPDX-License-Identifier: Apache-2.0
#include "referent/image/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixtures.h"
#include "referent/core/error.h"
#include "support/temporary_folder.h"

namespace referent::image {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) {
  try {
    decode_bytes(bytes, "photo", Orientation::kIgnore, limits);
  } catch (const DataError& error) {
    return error.what();
  }
  return "decoded";
}

std::string refusal_of_text(std::string_view text) {
  return refusal(std::as_bytes(std::span(text)));
}

TEST(DecodeTest, TheBytesDecideTheTypeNotTheName) {
  const testing::TemporaryFolder temporary;
  const Path path = temporary.path() / "really_a_png.jpg";
  write_file(path, golden_file("rgb.png"));
  EXPECT_EQ(decode_file(path, Orientation::kIgnore).pixels,
            decode_file(golden_path("rgb.png"), Orientation::kIgnore).pixels);
  std::filesystem::remove(path);
}

TEST(DecodeTest, MessagesNameFileAndCause) {
  try {
    decode_file(golden_path("no_such.jpg"), Orientation::kIgnore);
    FAIL() << "decoded a missing file";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no_such.jpg"));
  }
  EXPECT_EQ(refusal({}), "photo is empty (0 bytes)");
  auto torn = golden_file("420.jpg");
  torn.resize(torn.size() / 2);
  EXPECT_THAT(refusal(torn), HasSubstr("photo is a torn or corrupt JPEG file: Premature end"));
}

TEST(DecodeTest, OtherTypesAreRefusedByName) {
  using namespace std::string_view_literals;
  EXPECT_THAT(refusal(golden_file("still.gif")), HasSubstr("a GIF file"));
  EXPECT_THAT(refusal_of_text("BM\x36\0\0\0"sv), HasSubstr("a BMP file"));
  EXPECT_THAT(refusal_of_text("II*\0\x08\0\0\0"sv), HasSubstr("a TIFF file"));
  EXPECT_THAT(refusal_of_text("MM\0*\0\0\0\x08"sv), HasSubstr("a TIFF file"));
  EXPECT_THAT(refusal_of_text("\0\0\0\x20"
                              "ftypavif\0\0\0\0"sv),
              HasSubstr("an AVIF file"));
  EXPECT_THAT(refusal_of_text("\x76\x2F\x31\x01\x02\0\0\0"sv), HasSubstr("an OpenEXR file"));
  EXPECT_THAT(refusal_of_text("<?xml version=\"1.0\"?><svg></svg>"), HasSubstr("an SVG file"));
  EXPECT_THAT(refusal_of_text("<!DOCTYPE html><p>404"), HasSubstr("an HTML page"));
  EXPECT_THAT(refusal_of_text("version https://git-lfs.github.com/spec/v1"), HasSubstr("Git LFS"));
  EXPECT_THAT(refusal_of_text("hello"), HasSubstr("a text file"));
  EXPECT_THAT(refusal_of_text("\x01\x02\x03\x04"), HasSubstr("of an unknown type"));
}

TEST(DecodeTest, AnimationsAreRefused) {
  EXPECT_THAT(refusal(golden_file("animated.webp")), HasSubstr("an animated WebP file"));
  EXPECT_THAT(refusal(golden_file("animated.png")), HasSubstr("an animated PNG file of 2 frames"));
}

TEST(DecodeTest, LimitsApply) {
  const auto bytes = golden_file("rgb.png");  // 9 x 7
  EXPECT_EQ(refusal(bytes, {.max_pixels = 63}), "decoded");
  EXPECT_THAT(refusal(bytes, {.max_pixels = 62}), HasSubstr("photo is 9 x 7 pixels large"));
  EXPECT_EQ(refusal(bytes, {.max_bytes = bytes.size()}), "decoded");
  EXPECT_THAT(refusal(bytes, {.max_bytes = bytes.size() - 1}), HasSubstr("bytes"));
  EXPECT_THROW(
      decode_file(golden_path("rgb.png"), Orientation::kIgnore, {.max_bytes = bytes.size() - 1}),
      DataError);
}

TEST(DecodeTest, ExtremeShapes) {
  // One grey pixel a row behind its filter byte.
  const std::string rows = [] {
    std::string all;
    for (int y = 0; y < 20'000; ++y) all += std::string{'\0', static_cast<char>(y % 251)};
    return all;
  }();
  std::string packed(compressBound(rows.size()), '\0');
  uLongf size = packed.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                     reinterpret_cast<const Bytef*>(rows.data()), rows.size()),
            Z_OK);
  auto bytes = png_start(1, 20'000, 8, 0);
  append_png_chunk(bytes, "IDAT", std::string_view(packed).substr(0, size));
  append_png_chunk(bytes, "IEND", "");
  const Image image = decode_bytes(bytes, "tall", Orientation::kIgnore);
  ASSERT_EQ(image.height, 20'000);
  EXPECT_EQ(image.row(19'999)[2], 19'999 % 251);
}

}  // namespace
}  // namespace referent::image
