// SPDX-License-Identifier: Apache-2.0
// Holds every configuration of TransVG and MMCA to the released recipe of its model and data set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "referent/engine/config.h"

namespace referent {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

const Path kConfigs = Path(REFERENT_SOURCE_DIR) / "configs";

/// What the released recipe says of a data set.
struct Recipe {
  const char* name;
  data::DatasetFormat format;
  const char* annotations;  ///< base name of the path
  std::vector<std::string> eval;
  const char* weights;  ///< which released DETR: "detr-r50-" + weights
  std::int64_t length;  ///< max_query_len
  std::int64_t epochs;
  std::int64_t drop;
};

const std::vector<Recipe>& recipes() {
  using enum data::DatasetFormat;
  static const std::vector<Recipe> all{
      {"refcoco", kRefer, "refcoco@unc", {"testA", "testB", "val"}, "unc", 20, 90, 60},
      {"refcoco+", kRefer, "refcoco+@unc", {"testA", "testB", "val"}, "unc", 20, 180, 120},
      {"refcocog-umd", kRefer, "refcocog@umd", {"test", "val"}, "gref", 40, 90, 60},
      {"refcocog-google", kRefer, "refcocog@google", {"val"}, "gref", 40, 90, 60},
      {"referit", kIndex, "referit", {"test", "val"}, "referit", 20, 90, 60},
      {"flickr30k", kIndex, "flickr", {"test", "val"}, "referit", 20, 90, 60}};
  return all;
}

struct Case {
  std::string model;  ///< transvg or mmca
  std::string depth;  ///< r50 or r101
  Recipe recipe;

  std::string preset() const { return model + "-" + depth; }
  std::string name() const { return preset() + "-" + recipe.name; }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* model : {"transvg", "mmca"}) {
    for (const char* depth : {"r50", "r101"}) {
      for (const Recipe& recipe : recipes()) all.push_back({model, depth, recipe});
    }
  }
  return all;
}

class TransVgConfigsTest : public ::testing::TestWithParam<Case> {
 protected:
  static bool mmca() { return GetParam().model == "mmca"; }

  const Recipe recipe_ = GetParam().recipe;
  const engine::RunConfig config_ =
      engine::load_run_config(kConfigs / (GetParam().name() + ".json"));
};

TEST_P(TransVgConfigsTest, TheModelIsThatOfTheName) {
  EXPECT_EQ(config_.name, GetParam().name());
  EXPECT_EQ(config_.model.preset, GetParam().preset());
  EXPECT_EQ(config_.model.visual_encoder.backbone.depth, GetParam().depth == "r50" ? 50 : 101);
  EXPECT_EQ(config_.model.conditioning.type,
            mmca() ? conditioning::Type::kMmca : conditioning::Type::kNone);
  EXPECT_EQ(config_.model.conditioning.variant, conditioning::Variant::kReleased);
  EXPECT_EQ(config_.model.init.visual_encoder.filename(),
            "detr-" + GetParam().depth + "-" + recipe_.weights + ".pth");
  EXPECT_EQ(config_.model.init.text_encoder.filename(), "bert-base-uncased.bin");
}

TEST_P(TransVgConfigsTest, TheDataAreThoseOfTheName) {
  const engine::DataConfig& data = config_.data;
  ASSERT_THAT(data.train, SizeIs(1));
  EXPECT_EQ(data.train[0].split, "train");
  std::vector<std::string> splits;
  for (const auto& [name, dataset] : data.eval) {
    splits.push_back(name);
    EXPECT_EQ(dataset.split, name);
    EXPECT_EQ(dataset.path, data.train[0].path) << name;
    EXPECT_EQ(dataset.format, recipe_.format) << name;
    EXPECT_EQ(dataset.images, data.train[0].images) << name;
  }
  EXPECT_EQ(data.train[0].format, recipe_.format);
  EXPECT_EQ(data.train[0].path.filename(), recipe_.annotations);
  EXPECT_THAT(splits, ElementsAreArray(recipe_.eval));
  EXPECT_EQ(data.image.size, 640);
  EXPECT_TRUE(data.image.whole_pixel_boxes);
  EXPECT_EQ(data.text.length, recipe_.length);
}

TEST_P(TransVgConfigsTest, PicturesAreAlteredAsInTheReleasedCode) {
  const data::AugmentConfig& augment = config_.data.augment;
  EXPECT_EQ(augment.type, data::AugmentType::kReleased);
  EXPECT_TRUE(augment.released_quirks);
  EXPECT_TRUE(augment.scale);
  EXPECT_TRUE(augment.crop);
  EXPECT_TRUE(augment.translate);
  EXPECT_FALSE(augment.blur);
}

TEST_P(TransVgConfigsTest, TrainingIsThatOfTheReleasedCode) {
  const engine::TrainConfig& train = config_.train;
  EXPECT_EQ(train.batch_size, 64);
  EXPECT_EQ(train.epochs, recipe_.epochs);
  EXPECT_THAT(train.eval_data, ElementsAre("val"));
  EXPECT_EQ(train.schedule.type, training::ScheduleType::kStep);
  EXPECT_EQ(train.schedule.drop_epochs, recipe_.drop);
  EXPECT_EQ(train.schedule.drop_factor, 0.1);
  EXPECT_EQ(train.schedule.warmup_steps, 0);
  const training::OptimizerConfig& optimizer = train.optimizer;
  EXPECT_EQ(optimizer.learning_rate, 1e-4);
  EXPECT_EQ(optimizer.weight_decay, 1e-4);
  EXPECT_EQ(optimizer.clip_norm, mmca() ? 0.1 : 0.0);
  ASSERT_THAT(optimizer.groups, SizeIs(3));
  for (const training::GroupConfig& group : optimizer.groups) EXPECT_EQ(group.learning_rate, 1e-5);
  EXPECT_THAT(optimizer.groups[0].patterns, SizeIs(mmca() ? 2 : 1));
  EXPECT_THAT(optimizer.groups[1].patterns, SizeIs(mmca() ? 2 : 1));
  EXPECT_THAT(optimizer.groups[2].patterns, ElementsAre("text_encoder.bert.*"));
  EXPECT_EQ(train.loss.box, losses::BoxLoss::kL1);
  EXPECT_EQ(train.loss.box_weight, 1.0);
  EXPECT_EQ(train.loss.giou_weight, 1.0);
}

INSTANTIATE_TEST_SUITE_P(All, TransVgConfigsTest, ::testing::ValuesIn(cases()),
                         [](const auto& parameter) {
                           std::string name = parameter.param.name();
                           std::ranges::replace(name, '+', 'p');
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(TransVgConfigsListTest, NoConfigurationIsLeftOut) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(kConfigs)) {
    const std::string name = entry.path().stem().string();
    if (name.starts_with("transvg-") || name.starts_with("mmca-")) found.push_back(name);
  }
  std::vector<std::string> expected;
  for (const Case& one : cases()) expected.push_back(one.name());
  EXPECT_THAT(found, UnorderedElementsAreArray(expected));
}

}  // namespace
}  // namespace referent
