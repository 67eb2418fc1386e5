// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/segmentation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "referent/core/error.h"

namespace referent::formats {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using Counts = std::vector<std::uint32_t>;

std::string refusal(const std::string& json) {
  try {
    check_segmentation(parse_segmentation(json, "x.json:3"));
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SegmentationTest, ReadsEveryForm) {
  const auto polygons = parse_segmentation("[[0, 0, 4, 0, 4.5, 3], [1, 1, 2, 1, 2, 2, 1, 2]]", "x");
  ASSERT_EQ(polygons.polygons.size(), 2U);
  EXPECT_EQ(polygons.polygons[0][4], 4.5);
  EXPECT_FALSE(polygons.rle.has_value());
  const Rle expected{3, 4, {2, 3, 7}};
  EXPECT_EQ(parse_segmentation(R"({"size": [3, 4], "counts": "237"})", "x").rle, expected);
  EXPECT_EQ(parse_segmentation(R"({"size": [3, 4], "counts": [2, 3, 7]})", "x").rle, expected);
  EXPECT_EQ(parse_segmentation(R"([{"size": [3, 4], "counts": [2, 3, 7]},
                                   {"size": [3, 4], "counts": [4, 3, 5]}])",
                               "x")
                .rle,
            (Rle{3, 4, {2, 5, 5}}));
  for (const char* nothing : {"null", "[]"}) {
    EXPECT_TRUE(parse_segmentation(nothing, "x").empty()) << nothing;
  }
  EXPECT_FALSE(polygons.empty());
}

TEST(SegmentationTest, FaultsAreNamed) {
  const std::map<std::string, std::string> faults{
      {"7", "polygons or run lengths"},
      {"[7]", "expected an array"},
      {"[[1, 2, \"3\", 4, 5, 6]]", "expected a number"},
      {"[[1, 2, 3, 4, 5]]", "without its y"},
      {"[[]]", "0 corners"},
      {"[[1, 2, 3, 4]]", "2 corners"},
      {"[[0, 0, 4, 0, 4, 4], []]", "0 corners"},
      {"[[1, 2, 3, 1e30, 5, 6]]", "coordinate"},
      {"[[1, 2", "not valid JSON"},
      {R"({"size": [3, 4]})", "counts"},
      {R"({"counts": [12]})", "size"},
      {R"({"size": [3], "counts": [12]})", "[height, width]"},
      {R"({"size": [3, -4], "counts": [12]})", "[height, width]"},
      {R"({"size": [3, 4], "counts": 12})", "counts"},
      {R"({"size": [3, 4], "counts": [-1, 13]})", "at least 0"},
      {R"({"size": [3, 4], "counts": [1.5]})", "at least 0"},
      {R"({"size": [3, 4], "counts": "P"})", "run-length"},
      {R"({"size": [3, 4], "counts": [2, 3, 6]})", "11 pixels in all for a mask of 3 x 4"},
      {R"({"size": [3, 4], "counts": [2, 3, 8]})", "13 pixels in all for a mask of 3 x 4"},
      {R"([{"size": [3, 4], "counts": [12]}, {"size": [4, 3], "counts": [12]}])", "no union"},
      {R"([{"size": [3, 4], "counts": [12]}, [1, 2, 3, 4, 5, 6]])", "in one list"}};
  for (const auto& [json, fault] : faults) EXPECT_THAT(refusal(json), HasSubstr(fault)) << json;
  EXPECT_THAT(refusal("7"), StartsWith("x.json:3: "));
  EXPECT_EQ(refusal("[[0, 0, 4, 0, 4, 4]]"), "accepted");
}

}  // namespace
}  // namespace referent::formats
