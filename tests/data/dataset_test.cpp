// SPDX-License-Identifier: Apache-2.0
#include "referent/data/dataset.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "support/temporary_folder.h"

namespace referent::data {
namespace {

using ::testing::HasSubstr;

std::string message_of(const DatasetConfig& config, Masks masks = Masks::kIgnore) {
  try {
    open_dataset(config, masks);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// A folder of its own with two image files, which no reader opens.
class JsonlTest : public ::testing::Test {
 protected:
  testing::TemporaryFolder temporary_;
  Path folder_ = temporary_.path() / "referent_jsonl";

  void SetUp() override {
    make_folders(folder_ / "images");
    write_file(folder_ / "a.png", "");
    write_file(folder_ / "images" / "b.png", "");
  }

  DatasetConfig write(std::string_view lines) {
    write_file(folder_ / "set.jsonl", lines);
    DatasetConfig config;
    config.path = folder_ / "set.jsonl";
    return config;
  }
};

TEST_F(JsonlTest, ReadsBothNamesOfTheBoxAndIds) {
  const Dataset dataset = open_dataset(write(
      "{\"image\": \"a.png\", \"expression\": \"red\", \"box\": [1, 2.5, 3, 4], \"x\": 1}\n"
      "\n"
      "{\"image\": \"images/b.png\", \"expression\": \"blue\", \"box_xywh\": [0, 0, 2, 2]}\r\n"
      "{\"id\": 17, \"image\": \"a.png\", \"expression\": \"x\", \"box\": [0, 0, 1, 1]}\n"
      "{\"id\": \"k\", \"image\": \"a.png\", \"expression\": \"x\", \"box\": [0, 0, 1, 1]}"));
  EXPECT_EQ(dataset.name, "set");
  EXPECT_EQ(dataset.split, "");
  ASSERT_EQ(dataset.examples.size(), 4U);
  EXPECT_EQ(dataset.examples[0].id, "0");
  EXPECT_EQ(dataset.examples[0].image, folder_ / "a.png");
  EXPECT_EQ(dataset.examples[0].expression, "red");
  EXPECT_EQ(dataset.examples[0].box, (image::Box{1, 2.5, 4, 6.5}));
  EXPECT_EQ(dataset.examples[1].id, "2");
  EXPECT_EQ(dataset.examples[1].box, (image::Box{0, 0, 2, 2}));
  EXPECT_EQ(dataset.examples[2].id, "17");
  EXPECT_EQ(dataset.examples[3].id, "k");
}

TEST_F(JsonlTest, FindsImagesByBaseNameInTheirFolder) {
  DatasetConfig config =
      write("{\"image\": \"elsewhere/b.png\", \"expression\": \"red\", \"box\": [1, 2, 3, 4]}");
  EXPECT_THAT(message_of(config), HasSubstr("elsewhere/b.png"));
  config.images = folder_ / "images";
  EXPECT_EQ(open_dataset(config).examples.at(0).image, folder_ / "images" / "b.png");
}

TEST_F(JsonlTest, SkipsAndCountsMissingImagesOnRequest) {
  DatasetConfig config = write(
      "{\"image\": \"no.png\", \"expression\": \"red\", \"box\": [1, 2, 3, 4]}\n"
      "{\"image\": \"a.png\", \"expression\": \"red\", \"box\": [1, 2, 3, 4]}\n");
  EXPECT_THAT(message_of(config), HasSubstr("1 of 2 examples are missing, the first is no.png"));
  config.missing = MissingImages::kSkip;
  const Dataset dataset = open_dataset(config);
  EXPECT_EQ(dataset.missing, 1);
  ASSERT_EQ(dataset.examples.size(), 1U);
  EXPECT_EQ(dataset.examples[0].id, "1");
}

TEST_F(JsonlTest, TakesTheLinesOfASplit) {
  DatasetConfig config = write(
      "{\"image\": \"a.png\", \"expression\": \"1\", \"box\": [1, 2, 3, 4], \"split\": \"val\"}\n"
      "{\"image\": \"a.png\", \"expression\": \"2\", \"box\": [1, 2, 3, 4], \"split\": "
      "\"test\"}\n");
  EXPECT_EQ(open_dataset(config).examples.size(), 2U);
  config.split = "test";
  const Dataset dataset = open_dataset(config);
  EXPECT_EQ(dataset.split, "test");
  ASSERT_EQ(dataset.examples.size(), 1U);
  EXPECT_EQ(dataset.examples[0].expression, "2");
  config.split = "train";
  EXPECT_THAT(message_of(config), HasSubstr("test, val"));
}

TEST_F(JsonlTest, NamesLineAndFault) {
  const std::string good =
      "{\"image\": \"a.png\", \"expression\": \"red\", \"box\": [1, 2, 3, 4]}\n";
  const std::map<std::string, std::string> faults{
      {"{\"image\": \"a.png\"", ""},
      {"[1, 2]", "object"},
      {"{\"image\": \"a.png\", \"image\": \"a.png\"}", "image"},
      {"{\"expression\": \"red\", \"box\": [1, 2, 3, 4]}", "\"image\" is missing"},
      {"{\"image\": 7, \"expression\": \"red\", \"box\": [1, 2, 3, 4]}", "\"image\""},
      {"{\"image\": \"\", \"expression\": \"red\", \"box\": [1, 2, 3, 4]}", "\"image\" is empty"},
      {"{\"image\": \"a.png\", \"box\": [1, 2, 3, 4]}", "\"expression\" is missing"},
      {"{\"image\": \"a.png\", \"expression\": \" \", \"box\": [1, 2, 3, 4]}", "empty"},
      {"{\"image\": \"a.png\", \"expression\": \"\xff\", \"box\": [1, 2, 3, 4]}", ""},
      {"{\"image\": \"a.png\", \"expression\": \"red\"}", "\"box\" is missing"},
      {"{\"image\": \"a.png\", \"expression\": \"red\", \"box\": [1, 2, 3]}", "[1,2,3]"},
      {"{\"image\": \"a.png\", \"expression\": \"red\", \"box\": [1, 2, 3, \"4\"]}", "\"box\""},
      {"{\"image\": \"a.png\", \"expression\": \"red\", \"box_xywh\": 3}", "\"box_xywh\""},
      {"{\"image\": \"a.png\", \"expression\": \"red\", \"box\": [1, 2, 0, 4]}", "no area"},
      {"{\"image\": \"a.png\", \"expression\": \"red\", \"box\": [1, 2, 3, -4]}", "no area"},
      {"{\"id\": [], \"image\": \"a.png\", \"expression\": \"x\", \"box\": [0, 0, 1, 1]}",
       "\"id\""}};
  for (const auto& [line, fault] : faults) {
    const std::string message = message_of(write(fmt::format("{}{}\n{}", good, line, good)));
    EXPECT_THAT(message, HasSubstr("set.jsonl:2: ")) << line;
    EXPECT_THAT(message, HasSubstr(fault)) << line;
  }
}

TEST_F(JsonlTest, ReadsMasksWhereTheyAreWanted) {
  const std::string start = R"({"image": "a.png", "expression": "x", "box": [0, 0, 1, 1])";
  const DatasetConfig config =
      write(start + R"(, "mask": [[0, 0, 2, 0, 2, 2]]})" + "\n" + start +
            R"(, "mask": {"size": [3, 4], "counts": "237"}})" + "\n" + start + "}\n" + start +
            R"(, "mask": null})" + "\n" + start + R"(, "mask": []})");
  const Dataset with = open_dataset(config, Masks::kRead);
  ASSERT_EQ(with.examples.size(), 5U);
  EXPECT_EQ(with.without_mask, 3);
  EXPECT_EQ(with.examples[0].mask->polygons.size(), 1U);
  EXPECT_EQ(with.examples[1].mask->rle->counts, (std::vector<std::uint32_t>{2, 3, 7}));
  for (const std::size_t i : {2U, 3U, 4U}) EXPECT_EQ(with.examples[i].mask, nullptr) << i;
  const Dataset without = open_dataset(config);
  EXPECT_EQ(without.without_mask, 5);
  EXPECT_EQ(without.examples[0].mask, nullptr);
}

TEST_F(JsonlTest, NamesLineAndFaultOfAMask) {
  const std::map<std::string, std::string> faults{
      {"\"a.png\"", "polygons or run lengths"},
      {"[[]]", "0 corners"},
      {"[[0, 0, 2, 0]]", "2 corners"},
      {"[[0, 0, 2, 0, 2]]", "without its y"},
      {R"({"size": [3, 4], "counts": [2, 3, 6]})", "11 pixels in all for a mask of 3 x 4"},
      {R"({"size": [3, 4], "counts": "236"})", "11 pixels in all for a mask of 3 x 4"},
      {R"({"size": [3, 4], "counts": "2 "})", "run-length"},
      {R"({"counts": "237"})", "size"}};
  for (const auto& [mask, fault] : faults) {
    const DatasetConfig config = write(fmt::format(
        R"({{"image": "a.png", "expression": "x", "box": [0, 0, 1, 1], "mask": {}}})", mask));
    const std::string message = message_of(config, Masks::kRead);
    EXPECT_THAT(message, HasSubstr("set.jsonl:1: ")) << mask;
    EXPECT_THAT(message, HasSubstr(fault)) << mask;
    EXPECT_EQ(message_of(config), "no error") << mask;  // who wants boxes is not troubled
  }
}

TEST_F(JsonlTest, RefusesFilesWithoutExamples) {
  EXPECT_THAT(message_of(write("")), HasSubstr("no examples"));
  DatasetConfig config;
  config.path = folder_ / "none.jsonl";
  EXPECT_THROW(open_dataset(config), DataError);
}

TEST(DatasetArgumentTest, NamesFormatPathAndSplit) {
  const DatasetConfig refer = parse_dataset_argument("refer:data/refcoco@unc:val");
  EXPECT_EQ(refer.format, DatasetFormat::kRefer);
  EXPECT_EQ(refer.path, "data/refcoco@unc");
  EXPECT_EQ(refer.split, "val");
  const DatasetConfig index = parse_dataset_argument("index:unc/unc_val.pth");
  EXPECT_EQ(index.format, DatasetFormat::kIndex);
  EXPECT_EQ(index.path, "unc/unc_val.pth");
  EXPECT_EQ(index.split, "");
}

TEST(DatasetArgumentTest, RefusesWhatItCannotRead) {
  for (const char* argument :
       {"", "set.jsonl", "coco:set.json", "jsonl:", "jsonl:x:", "jsonl::x"}) {
    EXPECT_THROW(parse_dataset_argument(argument), ConfigError) << argument;
  }
}

}  // namespace
}  // namespace referent::data
