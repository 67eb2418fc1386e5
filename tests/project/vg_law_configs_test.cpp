// SPDX-License-Identifier: Apache-2.0
// Holds every configuration of VG-LAW to its recipe: what its name says of heads and source.
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
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

const Path kConfigs = Path(REFERENT_SOURCE_DIR) / "configs";
const std::string kPrefix = "vg-law-vitb-";

/// What follows the prefix: the data set, "-rec" for boxes only or "-res" for masks only, "-paper"
/// for the paper's recipe in place of the released one.
std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const std::string source : {"", "-paper"}) {
    for (const std::string data : {"refcoco", "refcoco+", "refcocog"}) {
      for (const std::string heads : {"", "-rec", "-res"}) all.push_back(data + heads + source);
    }
    all.push_back("referit" + source);
  }
  return all;
}

class VgLawConfigsTest : public ::testing::TestWithParam<std::string> {
 protected:
  static bool says(const std::string& word) { return GetParam().find(word) != std::string::npos; }
  static bool paper() { return says("-paper"); }
  static bool boxes_only() { return says("-rec") || says("referit"); }
  static bool masks_only() { return says("-res"); }

  const engine::RunConfig config_ =
      engine::load_run_config(kConfigs / (kPrefix + GetParam() + ".json"));
};

TEST_P(VgLawConfigsTest, TheNameIsTheFiles) {
  EXPECT_EQ(config_.name, kPrefix + GetParam());
  EXPECT_EQ(config_.model.preset, "vg-law-vitb");
}

TEST_P(VgLawConfigsTest, TheHeadsAreThoseOfTheTask) {
  const decoders::HeadsConfig& heads = config_.model.heads;
  EXPECT_EQ(heads.box.has_value(), !masks_only());
  EXPECT_EQ(heads.mask.has_value(), !boxes_only());
  EXPECT_EQ(config_.train.best_metric,
            masks_only() ? engine::BestMetric::kMaskMeanIou : engine::BestMetric::kPrecision50);
}

TEST_P(VgLawConfigsTest, TheModelIsThatOfTheSource) {
  const models::ModelConfig& model = config_.model;
  EXPECT_EQ(model.visual_encoder.type, "vitdet");
  EXPECT_EQ(model.decoder.type, "language_pooling");
  EXPECT_EQ(model.conditioning.type, conditioning::Type::kLaw);
  EXPECT_EQ(model.conditioning.variant,
            paper() ? conditioning::Variant::kPaper : conditioning::Variant::kReleased);
  EXPECT_EQ(model.conditioning.update_rank(), 32);
  EXPECT_EQ(model.visual_encoder.vit.norm_epsilon, paper() ? 1e-6 : 1e-5);
  EXPECT_FALSE(model.init.visual_encoder.empty());
  EXPECT_FALSE(model.init.text_encoder.empty());
}

TEST_P(VgLawConfigsTest, TheDataAreThoseOfTheSource) {
  const engine::DataConfig& data = config_.data;
  const std::string set = GetParam().substr(0, GetParam().find('-'));
  ASSERT_THAT(data.train, SizeIs(1));
  EXPECT_EQ(data.train[0].format,
            set == "referit" ? data::DatasetFormat::kIndex : data::DatasetFormat::kRefer);
  const std::string folder = data.train[0].path.filename().string();
  EXPECT_EQ(folder.substr(0, folder.find('@')), set);
  for (const auto& [name, dataset] : data.eval) EXPECT_EQ(dataset.path, data.train[0].path) << name;
  EXPECT_EQ(data.image.size, 448);
  EXPECT_FALSE(data.image.whole_pixel_boxes);
  EXPECT_EQ(data.image.resize,
            paper() ? data::ResizeFilter::kAntialias : data::ResizeFilter::kPlain);
  EXPECT_EQ(data.image.mask_resize,
            paper() ? image::MaskResize::kPixelCentre : image::MaskResize::kReleased);
  EXPECT_EQ(data.text.length, 40);
}

TEST_P(VgLawConfigsTest, PicturesAreOnlyFlipped) {
  const data::AugmentConfig& augment = config_.data.augment;
  if (paper()) {
    EXPECT_EQ(augment.type, data::AugmentType::kSimple);
    EXPECT_EQ(augment.simple.flip, 0.5);
    EXPECT_EQ(augment.simple.crop, 0.0);
    EXPECT_EQ(augment.simple.jitter, 0.0);
    return;
  }
  EXPECT_EQ(augment.type, data::AugmentType::kReleased);
  EXPECT_FALSE(augment.scale);
  EXPECT_FALSE(augment.crop);
  EXPECT_FALSE(augment.color);
  EXPECT_FALSE(augment.blur);
  EXPECT_FALSE(augment.released_quirks);
}

TEST_P(VgLawConfigsTest, TrainingIsThatOfTheSource) {
  const engine::TrainConfig& train = config_.train;
  const training::OptimizerConfig& optimizer = train.optimizer;
  EXPECT_EQ(train.batch_size, 256);
  EXPECT_EQ(train.epochs, paper() ? 90 : 20);
  EXPECT_EQ(optimizer.learning_rate, paper() ? 4e-4 : 1e-4);
  EXPECT_EQ(optimizer.weight_decay, 1e-4);
  EXPECT_EQ(optimizer.epsilon, paper() ? 1e-8 : 1e-6);
  EXPECT_EQ(optimizer.bias_correction, paper());
  EXPECT_EQ(optimizer.clip_norm, paper() ? 0.0 : 0.15);
  ASSERT_THAT(optimizer.groups, SizeIs(1));
  EXPECT_EQ(optimizer.groups[0].learning_rate, paper() ? 4e-5 : 1e-5);
  EXPECT_THAT(optimizer.groups[0].patterns, ElementsAre("visual_encoder.*", "text_encoder.*"));
  if (paper()) {
    EXPECT_EQ(train.schedule.type, training::ScheduleType::kStep);
    EXPECT_THAT(train.schedule.drops, ElementsAre(10, 60));
    EXPECT_EQ(train.schedule.drop_factor, 0.1);
  } else {
    EXPECT_EQ(train.schedule.type, training::ScheduleType::kConstant);
    EXPECT_THAT(train.schedule.drops, IsEmpty());
  }
  EXPECT_EQ(train.schedule.warmup_steps, 0);
}

TEST_P(VgLawConfigsTest, TheLossesHaveTheWeightsOfTheSource) {
  const losses::LossConfig& loss = config_.train.loss;
  EXPECT_EQ(loss.box, losses::BoxLoss::kL1);
  EXPECT_EQ(loss.overlap, losses::Overlap::kGiou);
  EXPECT_EQ(loss.box_weight, 1.0);
  EXPECT_EQ(loss.giou_weight, 1.0);
  EXPECT_EQ(loss.focal_weight, paper() ? 4.0 : 1.0);
  EXPECT_EQ(loss.dice_weight, paper() ? 4.0 : 1.0);
}

INSTANTIATE_TEST_SUITE_P(All, VgLawConfigsTest, ::testing::ValuesIn(names()),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           std::ranges::replace(name, '+', 'p');
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(VgLawConfigsListTest, NoConfigurationIsLeftOut) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(kConfigs)) {
    const std::string name = entry.path().stem().string();
    if (name.starts_with(kPrefix)) found.push_back(name.substr(kPrefix.size()));
  }
  EXPECT_THAT(found, UnorderedElementsAreArray(names()));
}

}  // namespace
}  // namespace referent
