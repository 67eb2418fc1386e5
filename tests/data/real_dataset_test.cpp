// SPDX-License-Identifier: Apache-2.0
// The readers on the public data sets.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/data/dataset.h"
#include "support/temporary_folder.h"
#include "support/test_data.h"

namespace referent::data {
namespace {

/// The data sets of the test data folder; skips where it is not there.
class RealDatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::test_data().empty()) GTEST_SKIP() << testing::kNoTestData;
  }

  static DatasetConfig config(const std::string& argument) {
    const std::size_t colon = argument.find(':') + 1;
    DatasetConfig config = parse_dataset_argument(
        argument.substr(0, colon) + testing::test_data().string() + "/" + argument.substr(colon));
    config.images = testing::test_data() / "coco/train2014";
    config.missing = MissingImages::kSkip;
    return config;
  }
};

TEST_F(RealDatasetTest, IndexFilesHaveThePublishedCounts) {
  const std::map<std::string, std::int64_t> counts{
      {"unc/unc_val.pth", 10834},          {"unc/unc_testA.pth", 5657},
      {"unc/unc_testB.pth", 5095},         {"unc+/unc+_val.pth", 10758},
      {"unc+/unc+_testA.pth", 5726},       {"unc+/unc+_testB.pth", 4889},
      {"gref_umd/gref_umd_val.pth", 4896}, {"referit/referit_val.pth", 5842},
      {"flickr/flickr_val.pth", 14433},    {"flickr/flickr_test.pth", 14481}};
  for (const auto& [path, count] : counts) {
    const Dataset dataset = open_dataset(config("index:index/" + path));
    const auto present = static_cast<std::int64_t>(dataset.examples.size());
    EXPECT_EQ(present + dataset.missing, count) << path;
    EXPECT_EQ(dataset.name, path.substr(0, path.find('/'))) << path;
    EXPECT_EQ(path, fmt::format("{0}/{0}_{1}.pth", dataset.name, dataset.split));
  }
}

TEST_F(RealDatasetTest, IndexFolderAndSplitNameTheFile) {
  const Dataset dataset = open_dataset(config("index:index/unc:testA"));
  EXPECT_EQ(static_cast<std::int64_t>(dataset.examples.size()) + dataset.missing, 5657);
  EXPECT_EQ(dataset.split, "testA");
}

TEST_F(RealDatasetTest, IndexBoxesFollowTheFamilysConvention) {
  // The first entry of each family; empty files stand for their pictures.
  const std::map<std::string, image::Box> boxes{
      {"unc+/unc+_val.pth", {407.6, 133.24, 407.6 + 226.67, 133.24 + 190.33}},
      {"gref_umd/gref_umd_val.pth", {153.18, 213.25, 153.18 + 134.57, 213.25 + 213.02}},
      {"referit/referit_val.pth", {322, 303, 359, 372}},
      {"flickr/flickr_val.pth", {53, 45, 110, 203}}};
  const testing::TemporaryFolder temporary;
  const Path folder = temporary.path() / "images";
  make_folders(folder);
  for (const char* name : {"COCO_train2014_000000000716.jpg", "COCO_train2014_000000000309.jpg",
                           "9739.jpg", "100652400.jpg"}) {
    write_file(folder / name, "");
  }
  for (const auto& [path, box] : boxes) {
    DatasetConfig source = config("index:index/" + path);
    source.images = folder;
    const Dataset dataset = open_dataset(source);
    ASSERT_FALSE(dataset.examples.empty()) << path;
    EXPECT_EQ(dataset.examples[0].id, "0") << path;
    EXPECT_EQ(dataset.examples[0].box, box) << path;
  }
}

TEST_F(RealDatasetTest, IndexCompanionIsNoDataset) {
  EXPECT_THROW(open_dataset(config("index:index/unc/corpus.pth")), DataError);
}

TEST_F(RealDatasetTest, ReferFoldersHoldEverySentence) {
  const std::map<std::string, std::int64_t> counts{
      {"refcoco@unc:train", 62}, {"refcoco@unc:val", 45},    {"refcoco@unc:testA", 18},
      {"refcoco+@unc:val", 48},  {"refcoco+@unc:testA", 16}, {"refcocog@umd:train", 53},
      {"refcocog@umd:val", 26}};
  for (const auto& [name, count] : counts) {
    const Dataset dataset = open_dataset(config("refer:refer/" + name));
    EXPECT_EQ(static_cast<std::int64_t>(dataset.examples.size()), count) << name;
    EXPECT_EQ(dataset.missing, 0) << name;
    EXPECT_EQ(name, dataset.name + ":" + dataset.split);
  }
}

TEST_F(RealDatasetTest, ReferExamplesCarrySentenceAndAnnotation) {
  const Dataset dataset = open_dataset(config("refer:refer/refcocog:train"));
  const Example& example = dataset.examples.at(0);
  EXPECT_EQ(example.id, "0");
  EXPECT_EQ(example.image.filename(), "COCO_train2014_000000000009.jpg");
  EXPECT_EQ(example.expression, "a pink plastic box which is rectangle");
  EXPECT_EQ(example.box, (image::Box{0, 13.51, 434.48, 13.51 + 375.12}));
}

TEST_F(RealDatasetTest, ReferExamplesCarryTheAnnotationsOutline) {
  for (const char* name : {"refcoco@unc:val", "refcoco+@unc:testA", "refcocog@umd:train"}) {
    const Dataset dataset = open_dataset(config("refer:refer/" + std::string(name)), Masks::kRead);
    EXPECT_EQ(dataset.without_mask, 0) << name;
    for (const Example& example : dataset.examples) {
      ASSERT_NE(example.mask, nullptr);
      // The box is around the polygons.
      for (const auto& polygon : example.mask->polygons) {
        for (std::size_t i = 0; i < polygon.size(); i += 2) {
          EXPECT_GE(polygon[i], example.box.x1 - 1) << example.id;
          EXPECT_LE(polygon[i + 1], example.box.y2 + 1) << example.id;
        }
      }
    }
    const Dataset without = open_dataset(config("refer:refer/" + std::string(name)));
    EXPECT_EQ(without.without_mask, static_cast<std::int64_t>(without.examples.size()));
  }
}

TEST_F(RealDatasetTest, ReferExamplesKnowHowManyOfTheirClassThereAre) {
  std::map<std::int64_t, std::int64_t> counts;
  for (const Example& example : open_dataset(config("refer:refer/refcoco@unc:val")).examples) {
    ++counts[example.same_class];
  }
  // Counted by a script over the same two files.
  EXPECT_EQ(counts,
            (std::map<std::int64_t, std::int64_t>{{5, 7}, {8, 11}, {12, 12}, {13, 9}, {14, 6}}));
  EXPECT_EQ(open_dataset(config("jsonl:coco/expressions.jsonl")).examples[0].same_class, 0);
}

TEST_F(RealDatasetTest, IndexFilesHoldNoMasks) {
  DatasetConfig source = config("index:index/unc/unc_val.pth");
  const Dataset dataset = open_dataset(source, Masks::kRead);
  EXPECT_GT(dataset.examples.size(), 0U);
  EXPECT_EQ(dataset.without_mask, static_cast<std::int64_t>(dataset.examples.size()));
}

TEST_F(RealDatasetTest, ReferNeedsASplitThatIsThere) {
  DatasetConfig source = config("refer:refer/refcoco@unc:val");
  source.split = "";
  EXPECT_THROW(open_dataset(source), ConfigError);
  source.split = "testC";
  EXPECT_THROW(open_dataset(source), DataError);
  source.path = testing::test_data() / "coco";
  EXPECT_THROW(open_dataset(source), DataError);
}

TEST_F(RealDatasetTest, JsonLinesOfTheTestData) {
  const Dataset coco = open_dataset(config("jsonl:coco/expressions.jsonl"));
  EXPECT_EQ(coco.examples.size(), 170U);
  EXPECT_EQ(coco.missing, 0);
  DatasetConfig small = config("jsonl:coco256/refcoco_val.jsonl");
  small.images = testing::test_data() / "coco256/images";
  small.missing = MissingImages::kError;
  EXPECT_EQ(open_dataset(small).examples.size(), 587U);
}

}  // namespace
}  // namespace referent::data
