// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/pickle_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "formats/fixtures.h"
#include "referent/formats/index_file.h"
#include "referent/formats/pickle.h"
#include "referent/formats/refer.h"
#include "referent/formats/torch_file.h"
#include "referent/formats/zip.h"

namespace referent::formats {
namespace {

using pickle::Kind;
using pickle::Value;
using pickle::Writer;

Value read_back(Writer& writer) {
  return pickle::read(testing::as_bytes(writer.finish()), "written");
}

TEST(PickleWriterTest, EveryKindOfValueReadsBack) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  Writer writer;
  writer.begin_list();
  writer.none();
  writer.boolean(true);
  writer.boolean(false);
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 31,
                                    -(std::int64_t{1} << 31), kLeast}) {
    writer.integer(number);
  }
  writer.real(0.1);
  writer.real(-std::numeric_limits<double>::infinity());
  writer.text("caf\xc3\xa9");
  writer.begin_tuple();
  writer.end_tuple();
  writer.begin_dict();
  writer.text("key");
  writer.number(407.6);
  writer.text("whole");
  writer.number(-3);
  writer.end_dict();
  writer.end_list();
  const Value list = read_back(writer);
  ASSERT_EQ(list.size(), 13U);
  EXPECT_TRUE(list.at(0).is(Kind::kNone));
  EXPECT_TRUE(list.at(1).as_bool());
  EXPECT_FALSE(list.at(2).as_bool());
  EXPECT_EQ(list.at(3).as_int(), 0);
  EXPECT_EQ(list.at(4).as_int(), -1);
  EXPECT_EQ(list.at(5).as_int(), std::int64_t{1} << 31);
  EXPECT_EQ(list.at(6).as_int(), -(std::int64_t{1} << 31));
  EXPECT_EQ(list.at(7).as_int(), kLeast);
  EXPECT_EQ(list.at(8).as_double(), 0.1);
  EXPECT_TRUE(std::isinf(list.at(9).as_double()));
  EXPECT_EQ(list.at(10).text(), "caf\xc3\xa9");
  EXPECT_TRUE(list.at(11).is(Kind::kTuple));
  EXPECT_EQ(list.at(11).size(), 0U);
  EXPECT_EQ(list.at(12).find("key")->as_double(), 407.6);
  EXPECT_TRUE(list.at(12).find("whole")->is(Kind::kInt));
}

TEST(PickleWriterTest, TheBytesArePythons) {
  // pickletools.dis of these shows PROTO 2, [, (7, 'a'), ], STOP.
  Writer writer;
  writer.begin_list();
  writer.begin_tuple();
  writer.integer(7);
  writer.text("a");
  writer.end_tuple();
  writer.end_list();
  using namespace std::string_literals;
  EXPECT_EQ(writer.finish(),
            "\x80\x02]("
            "(J\x07\0\0\0X\x01\0\0\0at"
            "e."s);
}

TEST(PickleWriterTest, TheArchiveIsThatOfTorchSave) {
  const testing::TemporaryFolder folder;
  Writer writer;
  writer.begin_list();
  writer.integer(1);
  writer.end_list();
  const Path file = folder.path() / "x.pth";
  pickle::write_torch_zip(file, writer.finish());
  const auto bytes = read_file(file);
  EXPECT_EQ(detect_container(bytes, "x"), Container::kTorchZip);
  EXPECT_EQ(read_torch_file(file).at(0).as_int(), 1);
  const ZipArchive archive(bytes, nullptr, "x");
  for (const char* name : {"archive/data.pkl", "archive/version", "archive/byteorder"}) {
    EXPECT_NE(archive.find(name), nullptr) << name;
  }
}

TEST(PickleWriterTest, IndexFilesReadBack) {
  const testing::TemporaryFolder folder;
  const std::vector<IndexEntry> entries{
      {"COCO_train2014_000000000009.jpg", "1038967.pth", {1.5, 2.25, 30, 40}, "the man"},
      {"b.jpg", std::nullopt, {0, 0, 1, 1}, "caf\xc3\xa9"}};
  for (const bool flickr : {false, true}) {
    const Path file = folder.path() / "x_val.pth";
    write_index(file, entries, flickr);
    const auto read = read_index(file);
    ASSERT_EQ(read.size(), entries.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
      EXPECT_EQ(read[i].image, entries[i].image);
      EXPECT_EQ(read[i].box, entries[i].box);
      EXPECT_EQ(read[i].expression, entries[i].expression);
      EXPECT_EQ(read[i].mask_file.has_value(), !flickr);
    }
    EXPECT_EQ(read[0].mask_file, flickr ? std::nullopt : entries[0].mask_file);
  }
}

TEST(PickleWriterTest, ReferFilesReadBack) {
  const testing::TemporaryFolder folder;
  Reference reference{3, 1038967, 2, 9, "9_1038967.jpg", "val", {{7, "The Man!", "the man"}}};
  write_references(folder.path() / "refs(unc).p", {reference});
  const auto references = read_references(folder.path() / "refs(unc).p");
  ASSERT_EQ(references.size(), 1U);
  EXPECT_EQ(references[0].ann_id, 1038967);
  EXPECT_EQ(references[0].split, "val");
  ASSERT_EQ(references[0].sentences.size(), 1U);
  EXPECT_EQ(references[0].sentences[0].sent_id, 7);
  EXPECT_EQ(references[0].sentences[0].raw, "The Man!");

  Instances instances;
  instances.images.push_back({9, "9.jpg", 640, 480});
  instances.categories.push_back({2, "cat"});
  Annotation annotation;
  annotation.id = 1038967;
  annotation.image_id = 9;
  annotation.category_id = 2;
  annotation.bbox = {407.6, 133.24, 226.67, 190.33};
  annotation.area = 12.5;
  annotation.segmentation.polygons = {{0, 0, 1.5, 0, 1, 1}};
  instances.annotations.push_back(annotation);
  annotation.bbox.reset();
  annotation.iscrowd = true;
  annotation.segmentation = {{}, Rle{3, 4, {2, 3, 7}}};
  instances.annotations.push_back(annotation);
  write_instances(folder.path() / "instances.json", instances);
  const Instances read = read_instances(folder.path() / "instances.json", Outlines::kRead);
  EXPECT_EQ(read.images.at(0).width, 640);
  EXPECT_EQ(read.categories.at(0).name, "cat");
  ASSERT_EQ(read.annotations.size(), 2U);
  EXPECT_EQ(read.annotations[0].bbox, instances.annotations[0].bbox);
  EXPECT_EQ(read.annotations[0].area, 12.5);
  EXPECT_EQ(read.annotations[0].segmentation.polygons,
            instances.annotations[0].segmentation.polygons);
  EXPECT_FALSE(read.annotations[1].bbox.has_value());
  EXPECT_TRUE(read.annotations[1].iscrowd);
  EXPECT_EQ(read.annotations[1].segmentation.rle, annotation.segmentation.rle);
}

}  // namespace
}  // namespace referent::formats
