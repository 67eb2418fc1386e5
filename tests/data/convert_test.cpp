// SPDX-License-Identifier: Apache-2.0
#include "referent/data/convert.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/data/annotations.h"
#include "referent/data/dataset.h"
#include "support/temporary_folder.h"
#include "support/test_data.h"

namespace referent::data {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Key;

constexpr std::array kFormats{DatasetFormat::kJsonl, DatasetFormat::kRefer, DatasetFormat::kIndex,
                              DatasetFormat::kSeqtr};

Annotations read(DatasetFormat format, const Path& path) {
  DatasetConfig config;
  config.format = format;
  config.path = path;
  return read_annotations(config, Masks::kRead);
}

/// Where a conversion to `format` goes, in a new folder; `family` names index files.
Path target(const Path& folder, DatasetFormat format, const std::string& family) {
  make_folders(folder);
  switch (format) {
    case DatasetFormat::kRefer:
      return folder / "set@me";
    case DatasetFormat::kIndex:
      return folder / family;
    default:
      return folder / (family + (format == DatasetFormat::kJsonl ? ".jsonl" : ".json"));
  }
}

/// Everything of an entry that every format holds, as text.
std::string shown(const Entry& entry) {
  const image::Box box = entry.box.value().box();
  return fmt::format("{}|{}|{}|{} {} {} {}|{}", entry.split, entry.image, entry.expression, box.x1,
                     box.y1, box.x2, box.y2, entry.fault);
}

/// By split, since formats differ in the order of splits only.
std::map<std::string, std::vector<std::string>> contents(const Annotations& annotations) {
  std::map<std::string, std::vector<std::string>> result;
  for (const Entry& entry : annotations.entries) result[entry.split].push_back(shown(entry));
  return result;
}

class RealConvertTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::test_data().empty()) GTEST_SKIP() << testing::kNoTestData;
  }
};

TEST_F(RealConvertTest, EveryPairOfFormatsKeepsEveryExampleOfTheIndexFiles) {
  std::size_t compared = 0;
  std::size_t conversions = 0;
  for (const char* family : {"unc", "unc+", "gref_umd", "referit", "flickr"}) {
    const Annotations original =
        read(DatasetFormat::kIndex, testing::test_data() / "index" / family);
    const auto expected = contents(original);
    const testing::TemporaryFolder folder;
    for (const DatasetFormat first : kFormats) {
      const Path once =
          target(folder.path() / fmt::format("{}", static_cast<int>(first)), first, family);
      convert(original, first, once);
      const Annotations between = read(first, once);
      ASSERT_EQ(contents(between), expected) << family << static_cast<int>(first);
      ++conversions;
      compared += between.entries.size();
      for (const DatasetFormat second : kFormats) {
        const Path twice = target(
            folder.path() / fmt::format("{}-{}", static_cast<int>(first), static_cast<int>(second)),
            second, family);
        const Conversion conversion = convert(between, second, twice);
        EXPECT_EQ(conversion.lost.count("boxes to the last digit"), 0U);
        const Annotations back = read(second, twice);
        ASSERT_EQ(contents(back), expected)
            << family << static_cast<int>(first) << static_cast<int>(second);
        ++conversions;
        compared += back.entries.size();
      }
    }
  }
  std::printf("conversions of index files: %zu, %zu examples compared, all equal\n", conversions,
              compared);
}

TEST_F(RealConvertTest, ReferFoldersKeepTheirNumbersAndOutlinesInJsonLines) {
  std::size_t compared = 0;
  for (const char* name : {"refcoco", "refcoco+", "refcocog"}) {
    const testing::TemporaryFolder folder;
    const Annotations original = read(DatasetFormat::kRefer, testing::test_data() / "refer" / name);
    const Conversion to_lines =
        convert(original, DatasetFormat::kJsonl, folder.path() / "set.jsonl");
    EXPECT_EQ(to_lines.lost.size(), 1U);
    EXPECT_THAT(to_lines.lost, Contains(Key("annotations without expressions")));
    const Annotations lines = read(DatasetFormat::kJsonl, folder.path() / "set.jsonl");
    EXPECT_THAT(convert(lines, DatasetFormat::kRefer, folder.path() / "set@me").lost, IsEmpty());
    const Annotations back = read(DatasetFormat::kRefer, folder.path() / "set@me");
    ASSERT_EQ(back.entries.size(), original.entries.size());
    for (std::size_t i = 0; i < back.entries.size(); ++i, ++compared) {
      const Entry& a = original.entries[i];
      const Entry& b = back.entries[i];
      ASSERT_EQ(shown(a), shown(b));
      EXPECT_EQ(a.id, b.id);
      EXPECT_EQ(a.box->numbers, b.box->numbers);
      EXPECT_EQ(a.referent->object, b.referent->object);
      EXPECT_EQ(a.referent->image_id, b.referent->image_id);
      EXPECT_EQ(a.referent->reference_id, b.referent->reference_id);
      EXPECT_EQ(a.referent->category_id, b.referent->category_id);
      EXPECT_EQ(a.referent->category, b.referent->category);
      EXPECT_EQ(a.referent->area, b.referent->area);
      EXPECT_EQ(a.referent->width, b.referent->width);
      ASSERT_NE(b.referent->mask, nullptr);
      EXPECT_EQ(a.referent->mask->polygons, b.referent->mask->polygons);
      EXPECT_EQ(a.referent->mask->rle, b.referent->mask->rle);
    }
  }
  std::printf("REFER folders through JSON lines and back: %zu examples compared, %s\n", compared,
              HasFailure() ? "some differ" : "all equal");
}

/// An entry with everything that there is.
Annotations full_annotations() {
  Referent referent;
  referent.image_id = 9;
  referent.reference_id = 3;
  referent.category_id = 17;
  referent.object = "1038967";
  referent.category = "cat";
  referent.area = 12.5;
  referent.width = 64;
  referent.height = 48;
  referent.mask = std::make_shared<const formats::Segmentation>(
      formats::Segmentation{{{0, 0, 1.5, 0, 1, 1}}, std::nullopt});
  Entry entry;
  entry.id = "7";
  entry.has_id = true;
  entry.image = "COCO_train2014_000000000009.jpg";
  entry.split = "val";
  entry.expression = "the cat";
  entry.raw = "The cat!";
  entry.box = {{1.5, 2.25, 30, 40}, false};
  entry.referent = std::make_shared<const Referent>(referent);
  Annotations annotations;
  annotations.name = "set";
  annotations.entries.push_back(entry);
  return annotations;
}

TEST(ConvertTest, SaysWhatEachFormatCannotHold) {
  const testing::TemporaryFolder folder;
  const Annotations full = full_annotations();
  EXPECT_THAT(convert(full, DatasetFormat::kJsonl, folder.path() / "a.jsonl").lost, IsEmpty());
  EXPECT_THAT(convert(full, DatasetFormat::kRefer, folder.path() / "a@me").lost, IsEmpty());
  const auto seqtr = convert(full, DatasetFormat::kSeqtr, folder.path() / "a.json").lost;
  EXPECT_EQ(seqtr, (std::map<std::string, std::int64_t>{{"areas", 1},
                                                        {"ids of expressions", 1},
                                                        {"ids of references", 1},
                                                        {"raw sentences", 1}}));
  const auto index = convert(full, DatasetFormat::kIndex, folder.path() / "unc").lost;
  EXPECT_EQ(index, (std::map<std::string, std::int64_t>{{"areas", 1},
                                                        {"categories", 1},
                                                        {"ids of expressions", 1},
                                                        {"ids of references", 1},
                                                        {"masks", 1},
                                                        {"raw sentences", 1},
                                                        {"sizes of images", 1}}));
  EXPECT_THAT(convert(full, DatasetFormat::kIndex, folder.path() / "flickr").lost,
              Contains(std::pair<const std::string, std::int64_t>("names of objects", 1)));
}

TEST(ConvertTest, LeavesOutAndCountsWhatIsNoExample) {
  const testing::TemporaryFolder folder;
  Annotations annotations = full_annotations();
  annotations.entries.push_back(annotations.entries.front());
  annotations.entries.back().box.reset();
  annotations.entries.push_back(annotations.entries.front());
  annotations.entries.back().fault = "broken";
  const Conversion conversion =
      convert(annotations, DatasetFormat::kJsonl, folder.path() / "a.jsonl");
  EXPECT_EQ(conversion.files.at(0).expressions, 1);
  EXPECT_EQ(conversion.lost,
            (std::map<std::string, std::int64_t>{{"entries that cannot be read", 1},
                                                 {"entries without a finite box", 1}}));
  annotations.entries.erase(annotations.entries.begin());
  EXPECT_THROW(convert(annotations, DatasetFormat::kJsonl, folder.path() / "b.jsonl"), DataError);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "b.jsonl"));
}

TEST(ConvertTest, NumbersAreMadeUpWhereTheSourceHasNone) {
  const testing::TemporaryFolder folder;
  write_file(folder.path() / "set.jsonl",
             "{\"id\": \"a\", \"image\": \"x/9.jpg\", \"expression\": \"red\", \"box\": [1, 2, 3, "
             "4]}\n"
             "{\"id\": \"b\", \"image\": \"x/9.jpg\", \"expression\": \"red one\", \"box\": [1, 2, "
             "3, 4]}\n"
             "{\"id\": \"c\", \"image\": \"dog.jpg\", \"expression\": \"dog\", \"box\": [1, 2, 3, "
             "5]}\n");
  const Annotations lines = read(DatasetFormat::kJsonl, folder.path() / "set.jsonl");
  const Conversion conversion = convert(lines, DatasetFormat::kRefer, folder.path() / "set@me");
  EXPECT_EQ(conversion.lost, (std::map<std::string, std::int64_t>{{"ids of expressions", 3}}));
  const Annotations back = read(DatasetFormat::kRefer, folder.path() / "set@me");
  ASSERT_EQ(back.entries.size(), 3U);
  EXPECT_EQ(back.entries[0].referent->reference_id, back.entries[1].referent->reference_id);
  EXPECT_EQ(back.entries[0].referent->image_id, 9);
  EXPECT_NE(back.entries[1].referent->object, back.entries[2].referent->object);
  EXPECT_EQ(back.entries[2].image, "dog.jpg");
  EXPECT_EQ(back.entries[2].split, "all");
}

TEST(ConvertTest, RefusesATargetThatDoesNotSuitTheFormat) {
  const testing::TemporaryFolder folder;
  Annotations full = full_annotations();
  EXPECT_THROW(convert(full, DatasetFormat::kRefer, folder.path() / "set"), ConfigError);
  EXPECT_THROW(convert(full, DatasetFormat::kIndex, folder.path() / "set.pth"), ConfigError);
  full.entries.push_back(full.entries.front());
  full.entries.back().split = "test";
  EXPECT_THROW(convert(full, DatasetFormat::kIndex, folder.path() / "unc_val.pth"), ConfigError);
  convert(full, DatasetFormat::kRefer, folder.path() / "set@me");
  EXPECT_THROW(convert(full, DatasetFormat::kRefer, folder.path() / "set@me"), FileError);
  EXPECT_THROW(convert(full, DatasetFormat::kJsonl, folder.path() / "no" / "a.jsonl"), FileError);
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(ConvertTest, SeqtrFilesOfOthersAreRead) {
  const testing::TemporaryFolder folder;
  make_folders(folder.path() / "refcoco-unc");
  make_folders(folder.path() / "referitgame-berkeley");
  const std::string document =
      R"({"train": [{"image_id": 9, "height": 48, "width": 64, "bbox": [1, 2, 3, 4],
          "expressions": ["red", "the red one"], "mask": [[0, 0, 1, 0, 1, 1]]}],
          "val": [{"image_id": 25, "bbox": [1, 2, 3, 4], "expressions": ["blue"]},
                  {"image_id": 26, "bbox": [1, 2, 3, 4], "expressions": []},
                  {"bbox": [1, 2, 3, 4], "expressions": ["x"]}, 7]})";
  for (const char* name : {"refcoco-unc", "referitgame-berkeley"}) {
    write_file(folder.path() / name / "instances.json", document);
  }
  const Annotations coco =
      read(DatasetFormat::kSeqtr, folder.path() / "refcoco-unc" / "instances.json");
  EXPECT_EQ(coco.name, "refcoco-unc");
  ASSERT_EQ(coco.entries.size(), 6U);
  EXPECT_EQ(coco.entries[0].image, "COCO_train2014_000000000009.jpg");
  EXPECT_EQ(coco.entries[1].expression, "the red one");
  EXPECT_NE(coco.entries[1].referent->mask, nullptr);
  EXPECT_EQ(coco.entries[2].fault, "");
  for (const std::size_t i : {3U, 4U, 5U}) EXPECT_NE(coco.entries[i].fault, "") << i;
  const Annotations referit =
      read(DatasetFormat::kSeqtr, folder.path() / "referitgame-berkeley" / "instances.json");
  EXPECT_EQ(referit.entries[0].image, "9.jpg");
}

}  // namespace
}  // namespace referent::data
