// SPDX-License-Identifier: Apache-2.0
#include "referent/data/scenes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/core/progress.h"
#include "referent/data/dataset.h"
#include "referent/formats/rle.h"
#include "referent/image/decode.h"
#include "support/temporary_folder.h"

namespace referent::data {
namespace {

/// The words of an expression, read without the library's help.
struct Reading {
  std::string first;  ///< noun phrase
  std::string relation;
  std::string second;
};

Reading read(const std::string& expression) {
  for (const char* relation : {" left of the ", " right of the ", " above the ", " below the "}) {
    const std::size_t at = expression.find(relation);
    if (at == std::string::npos) continue;
    return {expression.substr(4, at - 4), relation,
            expression.substr(at + std::string_view(relation).size())};
  }
  for (const char* word : {"leftmost ", "rightmost ", "topmost ", "bottommost "}) {
    const std::string start = std::string("the ") + word;
    if (expression.starts_with(start)) return {expression.substr(start.size()), word, ""};
  }
  return {expression.substr(4), "", ""};
}

/// Whether every word of a noun phrase fits; sizes only where `with_size`.
bool fits(const std::string& phrase, const SceneObject& object, bool with_size = true) {
  static constexpr std::array kShapes{"circle", "square", "triangle", "star"};
  static constexpr std::array kColors{"red", "green", "blue", "yellow", "purple", "orange"};
  std::istringstream words(phrase);
  for (std::string word; words >> word;) {
    const bool good = word == "shape" ||
                      word == kShapes.at(static_cast<std::size_t>(object.shape)) ||
                      word == kColors.at(static_cast<std::size_t>(object.color)) ||
                      (word == "large" && (object.large || !with_size)) ||
                      (word == "small" && (!object.large || !with_size));
    if (!good) return false;
  }
  return true;
}

/// By how many pixels the centre of `a` is further in the relation's direction than that of `b`.
double lead(const std::string& relation, const image::Box& a, const image::Box& b) {
  const double right = (a.x1 + a.x2 - b.x1 - b.x2) / 2;
  const double down = (a.y1 + a.y2 - b.y1 - b.y2) / 2;
  if (relation.find("left") != std::string::npos) return -right;
  if (relation.find("right") != std::string::npos) return right;
  return relation.find("above") != std::string::npos || relation.starts_with("top") ? -down : down;
}

void check_meaning(const Scene& scene, double size) {
  const Reading reading = read(scene.expression);
  std::vector<std::size_t> fitting;
  std::int64_t without_size = 0;
  for (std::size_t i = 0; i < scene.objects.size(); ++i) {
    if (fits(reading.first, scene.objects[i])) fitting.push_back(i);
    without_size += fits(reading.first, scene.objects[i], false) ? 1 : 0;
  }
  EXPECT_EQ(scene.relational, without_size > 1) << scene.expression;

  std::vector<std::size_t> meant;
  for (const std::size_t i : fitting) {
    bool holds = true;
    for (std::size_t j = 0; j < scene.objects.size(); ++j) {
      const bool rival = reading.second.empty() ? !reading.relation.empty() && j != i &&
                                                      fits(reading.first, scene.objects[j])
                                                : fits(reading.second, scene.objects[j]);
      if (!rival) continue;
      const double by = lead(reading.relation, scene.objects[i].box, scene.objects[j].box);
      EXPECT_TRUE(by <= -0.06 * size || by >= 0.12 * size || reading.second.empty())
          << scene.expression;
      holds = holds && by >= 0.08 * size;
    }
    if (holds) meant.push_back(i);
  }
  ASSERT_EQ(meant.size(), 1U) << scene.expression;
  EXPECT_EQ(meant[0], static_cast<std::size_t>(scene.target)) << scene.expression;
  if (!reading.second.empty()) {
    std::int64_t anchors = 0;
    for (const auto& object : scene.objects) anchors += fits(reading.second, object) ? 1 : 0;
    EXPECT_EQ(anchors, 1) << scene.expression;
  }
}

TEST(ScenesTest, ExpressionsMeanTheirTargetAndNothingElse) {
  const SceneConfig config;
  std::int64_t relational = 0;
  for (std::int64_t index = 0; index < 2000; ++index) {
    const Scene scene = make_scene(config, index);
    ASSERT_GE(scene.objects.size(), 4U);
    ASSERT_LE(scene.objects.size(), 6U);
    check_meaning(scene, static_cast<double>(config.size));
    relational += scene.relational ? 1 : 0;
  }
  EXPECT_EQ(relational, 1000);
}

TEST(ScenesTest, ObjectsLieApartAndWithinThePicture) {
  for (std::int64_t index = 0; index < 200; ++index) {
    const Scene scene = make_scene({}, index);
    for (std::size_t i = 0; i < scene.objects.size(); ++i) {
      const image::Box& a = scene.objects[i].box;
      EXPECT_GE(a.x1, 0);
      EXPECT_GE(a.y1, 0);
      EXPECT_LE(a.x2, 128);
      EXPECT_LE(a.y2, 128);
      EXPECT_GT(a.width(), 10);
      EXPECT_GT(a.height(), 10);
      for (std::size_t j = 0; j < i; ++j) {
        const SceneObject& other = scene.objects[j];
        EXPECT_GT(std::hypot(scene.objects[i].x - other.x, scene.objects[i].y - other.y),
                  scene.objects[i].radius + other.radius);
      }
    }
  }
}

/// Around the pixels of a row-major mask.
image::Box pixel_box(const std::vector<std::uint8_t>& mask, std::int64_t width) {
  image::Box box{1e9, 1e9, 0, 0};
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0) continue;
    const std::size_t column = i % static_cast<std::size_t>(width);
    const std::size_t row = i / static_cast<std::size_t>(width);
    const auto x = static_cast<double>(column);
    const auto y = static_cast<double>(row);
    box = {std::min(box.x1, x), std::min(box.y1, y), std::max(box.x2, x + 1),
           std::max(box.y2, y + 1)};
  }
  return box;
}

TEST(ScenesTest, MaskFillsTheBoxOfTheTarget) {
  for (std::int64_t index = 0; index < 50; ++index) {
    const Scene scene = make_scene({}, index);
    EXPECT_EQ(pixel_box(scene.mask, 128),
              scene.objects[static_cast<std::size_t>(scene.target)].box);
  }
}

TEST(ScenesTest, DependOnSeedAndIndexOnly) {
  SceneConfig config;
  const Scene scene = make_scene(config, 5);
  EXPECT_EQ(scene.image.pixels, make_scene(config, 5).image.pixels);
  EXPECT_EQ(scene.expression, make_scene(config, 5).expression);
  EXPECT_NE(scene.image.pixels, make_scene(config, 7).image.pixels);
  config.seed = 1;
  EXPECT_NE(scene.image.pixels, make_scene(config, 5).image.pixels);
}

TEST(ScenesTest, RefusesAnEmptyRangeOfObjects) {
  SceneConfig config;
  config.min_objects = 6;
  config.max_objects = 5;
  EXPECT_THROW(make_scene(config, 0), ConfigError);
}

/// Around the pixels of a mask as the file has it.
image::Box mask_box(const nlohmann::json& mask) {
  const formats::Rle rle{mask["size"][0], mask["size"][1],
                         formats::decode_rle_counts(mask["counts"].get<std::string>())};
  return pixel_box(formats::mask_from_rle(rle), rle.width);
}

class SynthesizeTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder temporary_;
  Path folder_ = temporary_.path() / "referent_scenes";

  void SetUp() override { ProgressBar::set_quiet(true); }
  void TearDown() override { ProgressBar::set_quiet(false); }
};

TEST_F(SynthesizeTest, WritesWhatTheReaderReads) {
  synthesize(folder_, {}, 6, 4);
  for (const auto& [name, count] : {std::pair{"train", 6}, std::pair{"val", 4}}) {
    DatasetConfig config;
    config.path = folder_ / fmt::format("{}.jsonl", name);
    const Dataset dataset = open_dataset(config);
    ASSERT_EQ(dataset.examples.size(), static_cast<std::size_t>(count));
    std::istringstream lines(read_text_file(config.path));
    for (const Example& example : dataset.examples) {
      std::string text;
      std::getline(lines, text);
      const auto line = nlohmann::json::parse(text);
      const auto picture = image::decode_file(example.image, image::Orientation::kIgnore);
      EXPECT_EQ(picture.width, 128);
      EXPECT_EQ(line["split"], name);
      EXPECT_GE(line["objects"].size(), 3U);
      for (const auto& other : line["objects"]) EXPECT_NE(other, line["box"]);
      EXPECT_EQ(mask_box(line["mask"]), example.box);
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.string() + fmt::format(".{}.tmp", ::getpid())));
}

TEST_F(SynthesizeTest, LeavesFilledFoldersAlone) {
  make_folders(folder_);
  write_file(folder_ / "notes.txt", "mine");
  EXPECT_THROW(synthesize(folder_, {}, 1, 1), FileError);
  EXPECT_EQ(read_text_file(folder_ / "notes.txt"), "mine");
}

TEST_F(SynthesizeTest, LeavesNothingHalfWritten) {
  SceneConfig config;
  config.min_objects = 6;
  config.max_objects = 5;
  EXPECT_THROW(synthesize(folder_, config, 1, 1), ConfigError);
  const std::string name = folder_.filename().string();
  for (const auto& file : std::filesystem::directory_iterator(folder_.parent_path())) {
    EXPECT_FALSE(file.path().filename().string().starts_with(name)) << file.path();
  }
}

}  // namespace
}  // namespace referent::data
