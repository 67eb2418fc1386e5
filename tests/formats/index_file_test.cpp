// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/index_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/fixtures.h"
#include "referent/core/error.h"
#include "support/test_data.h"

namespace referent::formats {
namespace {

using ::testing::HasSubstr;
using Box = std::array<double, 4>;

TEST(IndexFileTest, ReadsLongEntriesOfBothContainers) {
  for (const char* name : {"index_long.pth", "index_long_zip.pth"}) {
    const auto entries = read_index(testing::fixture(name));
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[0].image, "COCO_train2014_000000000009.jpg");
    EXPECT_EQ(entries[0].mask_file, "1038967.pth");
    EXPECT_EQ(entries[0].box, (Box{1.5, 2.25, 30.0, 40.0}));
    EXPECT_EQ(entries[0].expression, "the man");
    EXPECT_EQ(entries[1].box, (Box{1, 2, 30, 40}));
    EXPECT_EQ(entries[1].expression, "caf\xc3\xa9");
  }
}

TEST(IndexFileTest, ReadsNumpyBoxes) {
  const auto entries = read_index(testing::fixture("index_short.pth"));
  ASSERT_EQ(entries.size(), 4U);
  for (const IndexEntry& entry : entries) {
    EXPECT_FALSE(entry.mask_file.has_value());
    EXPECT_EQ(entry.box, (Box{1, 2, 30, 40})) << entry.expression;
  }
}

TEST(IndexFileTest, NamesTheBrokenEntry) {
  const testing::TemporaryFolder folder;
  const auto refusal = [&](const std::string& pickle) {
    try {
      read_index(folder.file("x_val.pth", pickle));
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const std::string good = "(S'a.jpg'\n(I1\nI2\nI3\nI4\nlS'man'\nt";
  EXPECT_EQ(refusal("(" + good + "l."), "accepted");
  EXPECT_THAT(refusal("(" + good + "(S'a.jpg'\n(I1\nI2\nI3\nlS'man'\ntl."),
              HasSubstr("x_val.pth: entry 1: expected a box of 4"));
  EXPECT_THAT(refusal("(" + good + "(S'a.jpg'\nS'x'\ntl."), HasSubstr("entry 1: expected 3 or 5"));
  EXPECT_THAT(refusal("(" + good + "Nl."), HasSubstr("entry 1: expected a tuple, found None"));
  EXPECT_THAT(refusal("(d."), HasSubstr("expected a list"));
}

struct Expected {
  const char* file;
  std::size_t count;
};

TEST(IndexFileTest, RealFilesHaveThePublishedCounts) {
  const Path data = testing::test_data();
  if (data.empty()) GTEST_SKIP() << testing::kNoTestData;
  for (const Expected& expected :
       {Expected{"unc/unc_val.pth", 10834}, Expected{"unc/unc_testA.pth", 5657},
        Expected{"unc/unc_testB.pth", 5095}, Expected{"unc+/unc+_val.pth", 10758},
        Expected{"unc+/unc+_testA.pth", 5726}, Expected{"unc+/unc+_testB.pth", 4889},
        Expected{"gref_umd/gref_umd_val.pth", 4896}, Expected{"referit/referit_val.pth", 5842},
        Expected{"flickr/flickr_val.pth", 14433}, Expected{"flickr/flickr_test.pth", 14481}}) {
    const auto entries = read_index(data / "index" / expected.file);
    EXPECT_EQ(entries.size(), expected.count) << expected.file;
    for (const IndexEntry& entry : entries) {
      ASSERT_THAT(entry.image, ::testing::EndsWith(".jpg")) << expected.file;
      ASSERT_FALSE(entry.expression.empty()) << expected.file;
    }
  }
}

}  // namespace
}  // namespace referent::formats
