// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fixtures.h"
#include "referent/image/color.h"
#include "referent/image/decode.h"
#include "referent/image/resample.h"

namespace referent::image {
namespace {

using nlohmann::json;

const json& pillow() {
  static const json document = json::parse(read_text_file(golden_path("pillow.json")));
  return document;
}

Image picture_of(const json& item) {
  const auto size = item.at("size").get<std::array<std::int64_t, 2>>();
  return item.at("picture") == "random" ? random_picture(size[0], size[1])
                                        : gradient_picture(size[0], size[1]);
}

Image apply(const json& item) {
  Image image = picture_of(item);
  const auto operation = item.at("operation").get<std::string>();
  if (operation == "bilinear" || operation == "bicubic") {
    const auto to = item.at("to").get<std::array<std::int64_t, 2>>();
    return resize(image, to[0], to[1],
                  operation == "bilinear" ? Filter::kBilinear : Filter::kBicubic);
  }
  const auto value = item.at("value").get<double>();
  if (operation == "brightness") adjust_brightness(image, value);
  if (operation == "contrast") adjust_contrast(image, value);
  if (operation == "saturation") adjust_saturation(image, value);
  if (operation == "blur") gaussian_blur(image, value);
  return image;
}

/// Every operation of one kind gives Pillow's bytes; returns how many there were.
int check_operations(const std::vector<std::string>& names) {
  int checked = 0;
  for (const json& item : pillow().at("operations")) {
    if (std::find(names.begin(), names.end(), item.at("operation")) == names.end()) continue;
    EXPECT_EQ(crc_of(apply(item)), item.at("crc32").get<std::string>()) << item;
    ++checked;
  }
  return checked;
}

TEST(PillowTest, ResizeIsBitEqual) {
  EXPECT_EQ(check_operations({"bilinear", "bicubic"}), 84);
}

TEST(PillowTest, ColorEnhancementIsBitEqual) {
  EXPECT_EQ(check_operations({"brightness", "contrast", "saturation"}), 240);
}

TEST(PillowTest, GaussianBlurIsBitEqual) {
  EXPECT_EQ(check_operations({"blur"}), 88);
}

TEST(PillowTest, EveryKindOfFileDecodesToEqualBytes) {
  ASSERT_GE(pillow().at("files").size(), 39U);
  for (const json& item : pillow().at("files")) {
    const auto name = item.at("file").get<std::string>();
    const auto size = item.at("size").get<std::array<std::int64_t, 2>>();
    const auto upright_size = item.at("upright_size").get<std::array<std::int64_t, 2>>();

    const Image stored = decode_file(golden_path(name), Orientation::kIgnore);
    EXPECT_EQ(stored.width, size[0]) << name;
    EXPECT_EQ(stored.height, size[1]) << name;
    EXPECT_EQ(crc_of(stored), item.at("crc32").get<std::string>()) << name;

    const Image upright = decode_file(golden_path(name), Orientation::kApply);
    EXPECT_EQ(upright.width, upright_size[0]) << name;
    EXPECT_EQ(crc_of(upright), item.at("upright_crc32").get<std::string>()) << name;

    EXPECT_EQ(read_image_size(golden_path(name)), (ImageSize{size[0], size[1]})) << name;
    EXPECT_EQ(read_image_size(golden_path(name), Orientation::kApply),
              (ImageSize{upright_size[0], upright_size[1]}))
        << name;
  }
}

TEST(ResampleTest, CropTakesTheRectangle) {
  const Image image = gradient_picture(40, 30);
  const Image part = crop(image, 7, 5, 20, 10);
  ASSERT_EQ(part.width, 20);
  ASSERT_EQ(part.height, 10);
  for (std::int64_t y = 0; y < part.height; ++y) {
    for (std::int64_t i = 0; i < 3 * part.width; ++i) {
      ASSERT_EQ(part.row(y)[i], image.row(y + 5)[i + 21]);
    }
  }
  EXPECT_THROW(crop(image, 21, 0, 20, 10), std::logic_error);
  EXPECT_THROW(crop(image, 0, -1, 20, 10), std::logic_error);
  EXPECT_THROW(crop(image, 0, 0, INT64_MAX, 1), std::logic_error);
}

TEST(ResampleTest, FlipExchangesLeftAndRight) {
  const Image image = random_picture(5, 3);
  const Image flipped = flip_horizontal(image);
  for (std::int64_t y = 0; y < 3; ++y) {
    for (std::int64_t x = 0; x < 5; ++x) {
      for (std::int64_t c = 0; c < 3; ++c) {
        ASSERT_EQ(flipped.row(y)[3 * x + c], image.row(y)[3 * (4 - x) + c]);
      }
    }
  }
  EXPECT_EQ(flip_horizontal(flipped).pixels, image.pixels);
}

TEST(ResampleTest, RefusesEmptySizes) {
  EXPECT_THROW(resize(Image(4, 4), 0, 4, Filter::kBilinear), std::logic_error);
  EXPECT_THROW(resize(Image(), 4, 4, Filter::kBilinear), std::logic_error);
}

}  // namespace
}  // namespace referent::image
