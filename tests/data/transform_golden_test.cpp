// SPDX-License-Identifier: Apache-2.0
// The released transforms against what the released code did with the same draws.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "referent/core/hash.h"
#include "referent/data/released_augment.h"
#include "referent/data/transform.h"
#include "referent/data/view.h"
#include "referent/image/decode.h"
#include "referent/text/config.h"
#include "support/test_data.h"

namespace referent::data {
namespace {

using Json = nlohmann::json;

constexpr float kBoxTolerance = 1e-6F;

std::string crc(const image::Image& image) {
  return fmt::format("{:08x}", crc32(std::as_bytes(std::span(image.pixels))));
}

/// Cases and their pictures; skips where they are not there.
class GoldenTransformTest : public ::testing::Test {
 protected:
  Json load(const char* name) {
    const auto file = testing::goldens() / "mmca" / name;
    std::ifstream stream(file);
    return Json::parse(stream);
  }

  void SetUp() override {
    if (testing::test_data().empty()) GTEST_SKIP() << testing::kNoTestData;
  }

  static image::Image decode(const Json& item) {
    auto image = image::decode_file(testing::test_data() / item["file"].get<std::string>(),
                                    image::Orientation::kIgnore);
    EXPECT_EQ(crc(image), item["decoded_crc32"].get<std::string>()) << item["file"];
    return image;
  }

  static void expect_target(const std::array<float, 4>& target, const Json& golden,
                            const std::string& where) {
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(target[i], golden[i].get<float>(), kBoxTolerance) << where << " component " << i;
    }
  }
};

std::vector<double> numbers(const Json& value) {
  if (value.is_null()) return {};
  return value.is_array() ? value.get<std::vector<double>>()
                          : std::vector<double>{value.get<double>()};
}

ReplayedDraws replay(const Json& item) {
  std::vector<RecordedDraw> record;
  for (const Json& draw : item["draws"]) {
    record.push_back({draw["fn"], numbers(draw["args"]), numbers(draw["value"])});
  }
  return ReplayedDraws(std::move(record));
}

TEST_F(GoldenTransformTest, ReplaysTheReleasedTrainTransform) {
  const std::map<std::string_view, std::string> stages{{"resize", "RandomSelect"},
                                                       {"color_jitter", "ColorJitter"},
                                                       {"blur", "GaussianBlur"},
                                                       {"flip", "RandomHorizontalFlip"}};
  const Json golden = load("transforms-train.json");
  ASSERT_GT(golden["items"].size(), 0U);
  for (const Json& item : golden["items"]) {
    const auto name = item["name"].get<std::string>();
    Example example;
    example.expression = item["expression"];
    const auto& box = item["box_xyxy_int"];
    example.box = {box[0], box[1], box[2], box[3]};
    AugmentConfig config;
    config.type = AugmentType::kReleased;
    config.blur = item["aug_blur"];
    config.released_quirks = true;
    const ReleasedAugment augment(config, golden["config"]["imsize"]);

    std::size_t seen = 0;
    const auto check_stage = [&](std::string_view stage, const View& view) {
      const Json& expected = item["stages"][seen++];
      ASSERT_EQ(stages.at(stage), expected["after"].get<std::string>()) << name;
      EXPECT_EQ(view.image.width, expected["size"][0].get<std::int64_t>()) << name << stage;
      EXPECT_EQ(view.image.height, expected["size"][1].get<std::int64_t>()) << name << stage;
      EXPECT_EQ(crc(view.image), expected["crc32"].get<std::string>()) << name << " " << stage;
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(view.box[i], expected["box"][i].get<float>()) << name << " " << stage;
      }
    };
    ReplayedDraws draws = replay(item);
    const Sample sample = augment(make_view(example, decode(item), true), draws, check_stage);
    EXPECT_EQ(seen, stages.size()) << name;
    EXPECT_EQ(draws.remaining(), 0U) << name;
    expect_target(sample.target, item["final_box"], name);
    EXPECT_EQ(sample.expression, item["final_text"].get<std::string>()) << name;
    EXPECT_EQ(sample.image.width * sample.image.height, item["mask_valid"].get<std::int64_t>());
    EXPECT_EQ(sample.top, item["decisions"]["top"].get<std::int64_t>()) << name;
    EXPECT_EQ(sample.left, item["decisions"]["left"].get<std::int64_t>()) << name;
  }
}

TEST_F(GoldenTransformTest, EvaluatesAsReleased) {
  const auto vocabulary =
      std::filesystem::path(REFERENT_SOURCE_DIR) / "configs/vocab/bert-base-uncased.txt";
  const Json golden = load("mmca-real-images.json");
  TransformContext context;
  context.image.size = golden["config"]["imsize"];
  context.text.length = golden["config"]["max_query_len"];
  context.tokenizer = text::make_tokenizer({.vocabulary = vocabulary});
  const auto transform = make_evaluation_transform(context);
  ASSERT_GT(golden["images"].size(), 0U);
  for (const Json& item : golden["images"]) {
    const auto name = item["file"].get<std::string>();
    const auto box = item["box_xywh"].get<std::array<double, 4>>();
    const Example example{
        "7", name, item["expression"], {box[0], box[1], box[0] + box[2], box[1] + box[3]}};
    RandomStream stream(0);
    const Sample sample = (*transform)(example, decode(item), stream);
    EXPECT_EQ(sample.id, "7");
    EXPECT_EQ(sample.original_width, item["decoded_size"][0].get<std::int64_t>()) << name;
    EXPECT_EQ(sample.original_height, item["decoded_size"][1].get<std::int64_t>()) << name;
    EXPECT_EQ(sample.image.width, item["resized_size"][0].get<std::int64_t>()) << name;
    EXPECT_EQ(sample.image.height, item["resized_size"][1].get<std::int64_t>()) << name;
    EXPECT_EQ(crc(sample.image), item["resized_crc32"].get<std::string>()) << name;
    EXPECT_EQ(sample.top, item["top"].get<std::int64_t>()) << name;
    EXPECT_EQ(sample.left, item["left"].get<std::int64_t>()) << name;
    expect_target(sample.target, item["target"], name);
    auto ids = item["token_ids"].get<std::vector<std::int64_t>>();
    const auto mask = item["token_mask"].get<std::vector<std::int64_t>>();
    ids.resize(static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1)));
    EXPECT_EQ(sample.tokens.ids, ids) << name;
  }
}

}  // namespace
}  // namespace referent::data
