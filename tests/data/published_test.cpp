// SPDX-License-Identifier: Apache-2.0
// Counts against the published ones: of the real files, and of a stand-in with the schema and the
// numbers of RefCOCO, RefCOCO+, RefCOCOg and ReferItGame.
#include "referent/data/published.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "referent/core/file.h"
#include "referent/data/check.h"
#include "referent/formats/index_file.h"
#include "referent/formats/refer.h"
#include "support/temporary_folder.h"
#include "support/test_data.h"

namespace referent::data {
namespace {

using ::testing::HasSubstr;

CheckedDataset dataset(DatasetFormat format, const Path& path, const Path& images = {}) {
  CheckedDataset result;
  result.name = path.string();
  result.config.format = format;
  result.config.path = path;
  result.config.images = images;
  return result;
}

CheckReport check(const std::vector<CheckedDataset>& datasets, Pictures pictures) {
  CheckOptions options;
  options.pictures = pictures;
  options.workers = 2;
  return check_datasets(datasets, options);
}

struct StandInSplit {
  const char* name;
  Counts counts;
  std::int64_t first_image;
};

/// Writes a REFER folder of the wanted numbers: images in turn, referents in turn on them,
/// expressions in turn on these.
void write_stand_in(const Path& folder, const std::string& by,
                    const std::vector<StandInSplit>& splits) {
  make_folders(folder);
  formats::Instances instances;
  std::vector<formats::Reference> references;
  std::int64_t sentence = 0;
  for (const StandInSplit& split : splits) {
    for (std::int64_t i = 0; i < split.counts.images; ++i) {
      const std::int64_t id = split.first_image + i;
      instances.images.push_back({id, fmt::format("COCO_train2014_{:012}.jpg", id), 640, 480});
    }
    const std::size_t first = references.size();
    for (std::int64_t i = 0; i < split.counts.referents; ++i) {
      formats::Annotation annotation;
      annotation.id = static_cast<std::int64_t>(references.size());
      annotation.image_id = split.first_image + i % split.counts.images;
      annotation.bbox = {1, 2, 30, 40};
      references.push_back(
          {annotation.id, annotation.id, 1, annotation.image_id, "", split.name, {}});
      instances.annotations.push_back(std::move(annotation));
    }
    for (std::int64_t i = 0; i < split.counts.expressions; ++i, ++sentence) {
      const std::string text = fmt::format("thing {}", sentence);
      references[first + static_cast<std::size_t>(i % split.counts.referents)].sentences.push_back(
          {sentence, text, text});
    }
  }
  formats::write_references(folder / fmt::format("refs({}).p", by), references);
  formats::write_instances(folder / "instances.json", instances);
}

std::vector<StandInSplit> splits_of(const std::string& dataset,
                                    const std::vector<const char*>& names) {
  std::vector<StandInSplit> splits;
  std::int64_t image = 1;
  for (const char* name : names) {
    Counts counts = published_counts(dataset, name).value();
    if (counts.images == 0) {
      counts.images = 100;
      counts.referents = 200;
    }
    splits.push_back({name, counts, image});
    image += counts.images;
  }
  return splits;
}

TEST(PublishedTest, AStandInOfThePublishedNumbersIsSound) {
  const testing::TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::vector<const char*>>> sets{
      {"refcoco@unc", {"train", "val", "testA", "testB"}},
      {"refcoco+@unc", {"train", "val", "testA", "testB"}},
      {"refcocog@umd", {"train", "val", "test"}},
      {"refcocog@google", {"train", "val"}},
      {"refclef@berkeley", {"train", "val", "test"}}};
  int whole = 0;
  for (const auto& [name, names] : sets) {
    const std::size_t at = name.find('@');
    const Path target = folder.path() / name / name.substr(0, at);
    write_stand_in(target, name.substr(at + 1), splits_of(name, names));
    const CheckReport report = check({dataset(DatasetFormat::kRefer, target)}, Pictures::kIgnore);
    EXPECT_EQ(report.faults(), 0) << report_table(report);
    ASSERT_EQ(report.splits.size(), names.size());
    for (const CheckedSplit& split : report.splits) {
      EXPECT_EQ(split.dataset, name);
      ASSERT_TRUE(split.published.has_value());
      EXPECT_EQ(split.counts.expressions, split.published->expressions);
      ++whole;
    }
  }
  std::printf("stand-in: %d splits of %zu data sets have the published numbers\n", whole,
              sets.size());
}

TEST(PublishedTest, AMismatchIsAFaultAndALeakIsNamed) {
  const testing::TemporaryFolder folder;
  auto splits = splits_of("refcoco@unc", {"train", "val"});
  --splits[1].counts.expressions;
  splits[0].first_image = 1;
  splits[1].first_image = splits[0].counts.images - 6;  // seven of its images are for training
  write_stand_in(folder.path() / "refcoco", "unc", splits);
  const CheckReport report =
      check({dataset(DatasetFormat::kRefer, folder.path() / "refcoco")}, Pictures::kIgnore);
  const auto of = [&](FindingKind kind) {
    for (const Finding& finding : report.findings) {
      if (finding.kind == kind && finding.split == "val") return finding;
    }
    return Finding{};
  };
  const Finding count = of(FindingKind::kCount);
  ASSERT_EQ(count.count, 1);
  EXPECT_THAT(count.examples.at(0), HasSubstr("10833 expressions instead of 10834"));
  const Finding leak = of(FindingKind::kLeak);
  EXPECT_EQ(leak.count, 7);
  EXPECT_THAT(leak.examples.at(0), HasSubstr("is in refcoco@unc train too"));
}

TEST(PublishedTest, SplitsOfOneDataSetLeakIntoAnothers) {
  const testing::TemporaryFolder folder;
  write_stand_in(folder.path() / "refcocog", "umd", {{"train", {5, 5, 5}, 1}});
  write_stand_in(folder.path() / "refcoco", "unc", {{"testA", {4, 4, 4}, 3}});
  const CheckReport report = check({dataset(DatasetFormat::kRefer, folder.path() / "refcocog"),
                                    dataset(DatasetFormat::kRefer, folder.path() / "refcoco")},
                                   Pictures::kIgnore);
  bool named = false;
  for (const Finding& finding : report.findings) {
    if (finding.kind != FindingKind::kLeak) continue;
    named = true;
    EXPECT_EQ(finding.count, 3);
    EXPECT_EQ(finding.dataset, "refcoco@unc");
    EXPECT_THAT(finding.examples.at(0), HasSubstr("refcocog@umd train"));
  }
  EXPECT_TRUE(named);
}

TEST(PublishedTest, EveryNameOfADataSetHasItsNumbers) {
  EXPECT_EQ(published_counts("unc", "val"), published_counts("refcoco@unc", "val"));
  EXPECT_EQ(published_counts("gref", "val")->expressions, 9536);
  EXPECT_EQ(published_counts("flickr", "train")->expressions, 427193);
  EXPECT_FALSE(published_counts("refcoco@google", "val").has_value());
  EXPECT_FALSE(published_counts("unc", "test").has_value());
}

TEST(PublishedTest, TheRealIndexFilesAreWholeAndSound) {
  const Path data = testing::test_data();
  if (data.empty()) GTEST_SKIP() << testing::kNoTestData;
  std::vector<CheckedDataset> datasets;
  for (const char* family : {"unc", "unc+", "gref_umd", "referit", "flickr"}) {
    datasets.push_back(dataset(DatasetFormat::kIndex, data / "index" / family));
  }
  const CheckReport report = check(datasets, Pictures::kIgnore);
  EXPECT_TRUE(report.unreadable.empty());
  EXPECT_EQ(report.splits.size(), 10U);
  std::int64_t expressions = 0;
  for (const CheckedSplit& split : report.splits) {
    ASSERT_TRUE(split.published.has_value()) << split.dataset;
    EXPECT_EQ(split.counts.expressions, split.published->expressions);
    const bool known = split.published->images > 0;
    EXPECT_EQ(known ? split.counts : Counts{}, known ? *split.published : Counts{});
    expressions += split.counts.expressions;
  }
  EXPECT_EQ(report.faults(), 0) << report_table(report);
  std::printf("index files: %zu of %zu splits equal the published numbers, %lld expressions\n",
              report.splits.size(), report.splits.size(), static_cast<long long>(expressions));
}

TEST(PublishedTest, TheRealReferFoldersAreSoundButParts) {
  const Path data = testing::test_data();
  if (data.empty()) GTEST_SKIP() << testing::kNoTestData;
  std::vector<CheckedDataset> datasets;
  for (const char* name : {"refcoco", "refcoco+", "refcocog"}) {
    datasets.push_back(
        dataset(DatasetFormat::kRefer, data / "refer" / name, data / "coco" / "train2014"));
  }
  const CheckReport report = check(datasets, Pictures::kDecode);
  EXPECT_TRUE(report.unreadable.empty());
  EXPECT_EQ(report.splits.size(), 7U);
  for (const Finding& finding : report.findings) {
    EXPECT_TRUE(finding.kind == FindingKind::kCount || finding.kind == FindingKind::kLeak ||
                finding.kind == FindingKind::kExampleTwice)
        << report_table(report);
  }
  std::printf("REFER folders: %zu splits, %lld pictures decoded, %lld findings\n",
              report.splits.size(), static_cast<long long>(report.pictures),
              static_cast<long long>(report.faults()));
}

TEST(PublishedTest, TheRealSmallPhotosAreSound) {
  const Path data = testing::test_data();
  if (data.empty()) GTEST_SKIP() << testing::kNoTestData;
  std::vector<CheckedDataset> datasets;
  for (const char* name :
       {"train", "refcoco_val", "refcoco+_val", "refcoco_testA", "refcoco+_testA"}) {
    datasets.push_back(dataset(DatasetFormat::kJsonl,
                               data / "coco256" / fmt::format("{}.jsonl", name),
                               data / "coco256" / "images"));
  }
  const CheckReport report = check(datasets, Pictures::kDecode);
  const std::vector<std::int64_t> expected{1601, 587, 579, 336, 330};
  ASSERT_EQ(report.splits.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(report.splits[i].counts.expressions, expected[i]);
  }
  for (const Finding& finding : report.findings) {
    EXPECT_EQ(finding.kind, FindingKind::kExampleTwice) << report_table(report);
  }
  std::printf("small photos: %zu splits, %lld pictures decoded, %lld repeated expressions\n",
              report.splits.size(), static_cast<long long>(report.pictures),
              static_cast<long long>(report.faults()));
}

}  // namespace
}  // namespace referent::data
