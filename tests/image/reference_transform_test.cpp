// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "fixtures.h"
#include "referent/image/color.h"
#include "referent/image/decode.h"
#include "referent/image/resample.h"
#include "support/test_data.h"

/// Photos through the released evaluation and train transforms (Pillow), stage by stage.
namespace referent::image {
namespace {

using nlohmann::json;

/// Python's round(): half to even, the floating point default.
std::int64_t python_round(double value) {
  return std::lrint(value);
}

Image resize_by(const Image& image, double ratio) {
  return resize(image, python_round(static_cast<double>(image.width) * ratio),
                python_round(static_cast<double>(image.height) * ratio), Filter::kBilinear);
}

Image resize_long_side(const Image& image, double size) {
  return resize_by(image, size / static_cast<double>(std::max(image.width, image.height)));
}

Image resize_short_side(const Image& image, double size) {
  return resize_by(image, size / static_cast<double>(std::min(image.width, image.height)));
}

class ReferenceTransformTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::test_data().empty()) GTEST_SKIP() << testing::kNoTestData;
  }

  static json golden(const std::string& name) {
    return json::parse(read_text_file(testing::goldens() / "mmca" / name));
  }

  static Image decode(const json& item) {
    return decode_file(testing::test_data() / item.at("file").get<std::string>(),
                       Orientation::kIgnore);
  }
};

TEST_F(ReferenceTransformTest, EvaluationResizeIsBitEqual) {
  const json images = golden("mmca-real-images.json").at("images");
  ASSERT_FALSE(images.empty());
  for (const json& item : images) {
    const Image photo = decode(item);
    EXPECT_EQ(crc_of(photo), item.at("decoded_crc32").get<std::string>()) << item.at("file");
    const Image resized = resize_long_side(photo, 640);
    EXPECT_EQ(crc_of(resized), item.at("resized_crc32").get<std::string>()) << item.at("file");
  }
}

/// The resize branch, or the crop branch: after 20 refused tries nothing is cropped.
Image resize_or_crop(Image image, const json& decisions) {
  constexpr std::size_t kTries = 20;
  const auto sizes = decisions.at("resize_sizes").get<std::vector<double>>();
  if (decisions.at("branch") == "crop") {
    image = resize_short_side(image, sizes.at(0));
    const json& tries = decisions.at("crop_tries");
    if (tries.size() < kTries) {
      const json& accepted = tries.back();
      image = crop(image, accepted.at("left"), accepted.at("top"), accepted.at("width"),
                   accepted.at("height"));
    }
  }
  return resize_long_side(image, sizes.back());
}

void jitter(Image& image, const json& decisions) {
  if (!decisions.at("jitter").get<bool>()) return;
  for (const json& name : decisions.at("jitter_order")) {
    const double factor = decisions.at(name.get<std::string>());
    if (name == "brightness") adjust_brightness(image, factor);
    if (name == "contrast") adjust_contrast(image, factor);
    if (name == "saturation") adjust_saturation(image, factor);
  }
}

TEST_F(ReferenceTransformTest, EveryTrainStageIsBitEqual) {
  int stages = 0;
  const json items = golden("transforms-train.json").at("items");
  for (const json& item : items) {
    const json& decisions = item.at("decisions");
    Image image = decode(item);
    EXPECT_EQ(crc_of(image), item.at("decoded_crc32").get<std::string>()) << item.at("name");
    for (const json& stage : item.at("stages")) {
      if (!stage.contains("crc32")) continue;
      const auto name = stage.at("after").get<std::string>();
      if (name == "RandomSelect") image = resize_or_crop(image, decisions);
      if (name == "ColorJitter") jitter(image, decisions);
      if (name == "GaussianBlur" && decisions.contains("blur_sigma") &&
          decisions.at("blur_sigma").is_number()) {
        gaussian_blur(image, decisions.at("blur_sigma"));
      }
      if (name == "RandomHorizontalFlip" && decisions.at("flip").get<bool>()) {
        image = flip_horizontal(image);
      }
      EXPECT_EQ(crc_of(image), stage.at("crc32").get<std::string>())
          << item.at("name") << " after " << name;
      ++stages;
    }
  }
  EXPECT_GE(stages, 32);
}

TEST_F(ReferenceTransformTest, EveryPhotoDecodes) {
  int photos = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::test_data() / "coco" / "train2014")) {
    const Image photo = decode_file(entry.path(), Orientation::kIgnore);
    EXPECT_EQ(read_image_size(entry.path()), (ImageSize{photo.width, photo.height}));
    ++photos;
  }
  EXPECT_GT(photos, 0);
}

}  // namespace
}  // namespace referent::image
