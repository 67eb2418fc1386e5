// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/refer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/fixtures.h"
#include "referent/core/error.h"
#include "support/test_data.h"

namespace referent::formats {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <typename Read>
std::string refusal(Read read, const Path& path) {
  try {
    read(path);
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

class ReferencesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ReferencesTest, AreReadInEveryProtocol) {
  const auto references = read_references(testing::fixture(GetParam()));
  ASSERT_EQ(references.size(), 1U);
  const Reference& reference = references[0];
  EXPECT_EQ(reference.ref_id, 3);
  EXPECT_EQ(reference.ann_id, 460001);
  EXPECT_EQ(reference.category_id, 1);
  EXPECT_EQ(reference.image_id, 100667);
  EXPECT_EQ(reference.file_name, "COCO_train2014_000000100667_460001.jpg");
  EXPECT_EQ(reference.split, "testA");
  ASSERT_EQ(reference.sentences.size(), 2U);
  EXPECT_EQ(reference.sentences[0].raw, "Dude, behind!");
  EXPECT_EQ(reference.sentences[0].sent, "dude behind");
  EXPECT_EQ(reference.sentences[1].sent_id, 1);
  EXPECT_EQ(reference.sentences[1].sent, "caf\xc3\xa9 \xe7\x8c\xab");
}

INSTANTIATE_TEST_SUITE_P(Protocols, ReferencesTest,
                         ::testing::Values("refs_protocol0.p", "refs_protocol2.p",
                                           "refs_protocol4.p"));

TEST(ReferTest, NamesTheBrokenReference) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(refusal(read_references, folder.file("refs.p", "(lp0\n(dp1\na.")),
              AllOf(HasSubstr("refs.p: entry 0"), HasSubstr("no \"ref_id")));
  EXPECT_THAT(refusal(read_references, folder.file("refs.p", "(dp0\n.")), HasSubstr("list"));
}

TEST(ReferTest, ReadsEveryKindOfSegmentation) {
  const testing::TemporaryFolder folder;
  const Instances instances = read_instances(folder.file("instances.json", R"({
    "info": {"year": 2014}, "licenses": [],
    "images": [{"id": 9, "file_name": "9.jpg", "width": 4, "height": 3}],
    "categories": [{"supercategory": "x", "id": 2, "name": "cat"}],
    "annotations": [
      {"id": 1, "image_id": 9, "category_id": 2, "bbox": [0, 1, 2.5, 3], "area": 6.5, "iscrowd": 0,
       "segmentation": [[0, 0, 1, 0, 1, 1], [2, 2, 3, 2, 3, 3]]},
      {"id": 2, "image_id": 9, "category_id": 2, "bbox": [0, 0, 2, 2], "iscrowd": 1,
       "segmentation": {"size": [3, 4], "counts": [2, 3, 7]}},
      {"id": 3, "image_id": 9, "category_id": 2, "bbox": [0, 0, 2, 2],
       "segmentation": {"size": [3, 4], "counts": "237"}}]})"),
                                             Outlines::kRead);
  ASSERT_EQ(instances.images.size(), 1U);
  EXPECT_EQ(instances.images[0].file_name, "9.jpg");
  EXPECT_EQ(instances.images[0].height, 3);
  EXPECT_EQ(instances.categories.at(0).name, "cat");
  ASSERT_EQ(instances.annotations.size(), 3U);
  EXPECT_EQ(instances.annotations[0].bbox, (std::array<double, 4>{0, 1, 2.5, 3}));
  EXPECT_EQ(instances.annotations[0].area, 6.5);
  EXPECT_EQ(instances.annotations[0].segmentation.polygons.size(), 2U);
  EXPECT_TRUE(instances.annotations[1].iscrowd);
  EXPECT_EQ(instances.annotations[1].area, 4.0);
  for (const std::size_t i : {1U, 2U}) {
    const auto& rle = instances.annotations[i].segmentation.rle;
    ASSERT_TRUE(rle.has_value());
    EXPECT_EQ(rle->height, 3);
    EXPECT_EQ(rle->counts, (std::vector<std::uint32_t>{2, 3, 7}));
  }
}

TEST(ReferTest, NamesTheBrokenAnnotation) {
  const testing::TemporaryFolder folder;
  const auto with = [&](const std::string& annotation) {
    return refusal([](const Path& path) { read_instances(path, Outlines::kRead); },
                   folder.file("instances.json",
                               R"({"images": [], "categories": [], "annotations": [
        {"id": 1, "image_id": 9, "category_id": 2, "bbox": [0, 1, 2, 3]}, )" +
                                   annotation + "]}"));
  };
  const auto entry = [&](const std::string& reason) {
    return AllOf(HasSubstr("instances.json: annotations, entry 1"), HasSubstr(reason));
  };
  const std::string ids = R"("id": 1, "image_id": 9, "category_id": 2)";
  EXPECT_THAT(with("7"), entry("expected an object"));
  EXPECT_THAT(with(R"({"id": 1})"), entry("no \"image_id\""));
  EXPECT_THAT(with(R"({"id": 1.5})"), entry("whole number"));
  EXPECT_THAT(with(R"({"id": 18446744073709551615})"), entry("whole number"));
  EXPECT_THAT(with("{" + ids + R"(, "bbox": [1, 2, 3]})"), entry("4 numbers"));
  EXPECT_THAT(with("{" + ids + R"(, "bbox": [1, 2, 3, "4"]})"), entry("expected a number"));
  const std::string box = "{" + ids + R"(, "bbox": [1, 2, 3, 4], "segmentation": )";
  EXPECT_THAT(with(box + "[[1, 2, 3]]}"), entry("without its y"));
  EXPECT_THAT(with(box + R"({"size": [1], "counts": []}})"), entry("[height, width]"));
  EXPECT_THAT(with(box + R"({"size": [1, 1], "counts": [-1]}})"), entry("at least 0"));
  EXPECT_THAT(with(box + R"({"size": [1, 1], "counts": "P"}})"), entry("run-length"));
}

TEST(ReferTest, OutlinesThatAreIgnoredMayBeAnything) {
  const testing::TemporaryFolder folder;
  for (const char* outline :
       {"[[1, 2, 3]]", "\"x\"", R"({"size": [1], "counts": []})", R"([[0, 0, 1, 0, 1, 1]])"}) {
    const Path file =
        folder.file("instances.json", R"({"images": [], "categories": [], "annotations": [
        {"id": 1, "image_id": 9, "category_id": 2, "bbox": [0, 1, 2, 3], "segmentation": )" +
                                          std::string(outline) + "}]}");
    const Instances instances = read_instances(file, Outlines::kIgnore);
    ASSERT_EQ(instances.annotations.size(), 1U) << outline;
    EXPECT_EQ(instances.annotations[0].area, 6.0) << outline;
    EXPECT_TRUE(instances.annotations[0].segmentation.empty()) << outline;
  }
}

struct Counts {
  const char* folder;
  const char* references;
  std::size_t count;
};

TEST(ReferTest, ReadsRealFiles) {
  const Path data = testing::test_data();
  if (data.empty()) GTEST_SKIP() << testing::kNoTestData;
  for (const Counts& expected :
       {Counts{"refcoco", "refs(unc).p", 84}, Counts{"refcoco+", "refs(unc).p", 22},
        Counts{"refcocog", "refs(umd).p", 67}}) {
    const Path folder = data / "refer" / expected.folder;
    const auto references = read_references(folder / expected.references);
    EXPECT_EQ(references.size(), expected.count) << folder;
    const Instances instances = read_instances(folder / "instances.json", Outlines::kRead);
    std::map<std::int64_t, const Annotation*> annotations;
    for (const Annotation& annotation : instances.annotations) {
      annotations[annotation.id] = &annotation;
    }
    for (const Reference& reference : references) {
      ASSERT_TRUE(annotations.count(reference.ann_id) == 1) << reference.ref_id;
      EXPECT_EQ(annotations[reference.ann_id]->image_id, reference.image_id);
      EXPECT_FALSE(reference.sentences.empty());
    }
  }
  const Instances coco = read_instances(data / "coco" / "instances.json", Outlines::kRead);
  EXPECT_EQ(coco.images.size(), 143U);
}

}  // namespace
}  // namespace referent::formats
