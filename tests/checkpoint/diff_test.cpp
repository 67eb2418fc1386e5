// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "referent/core/error.h"
#include "referent/formats/safetensors.h"
#include "support/temporary_folder.h"

namespace referent::checkpoint {
namespace {

using formats::DType;
using formats::TensorMap;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

formats::Tensor floats(const std::vector<float>& values, std::vector<std::int64_t> shape = {}) {
  if (shape.empty()) shape = {static_cast<std::int64_t>(values.size())};
  return formats::make_tensor<float>(DType::kFloat32, shape, values);
}

class DiffTest : public ::testing::Test {
 protected:
  Diff diff_of(const TensorMap& a, const TensorMap& b, double tolerance = 0) const {
    formats::write_safetensors(folder_.path() / "a.safetensors", a, {});
    formats::write_safetensors(folder_.path() / "b.safetensors", b, {});
    return diff(folder_.path() / "a.safetensors", folder_.path() / "b.safetensors", tolerance);
  }

  testing::TemporaryFolder folder_;
};

TEST_F(DiffTest, EqualFilesHaveNone) {
  const TensorMap tensors{{"x", floats({1, 2})}, {"y", floats({NAN, 0})}};
  const Diff found = diff_of(tensors, tensors);
  EXPECT_TRUE(found.equal());
  EXPECT_EQ(found.same, 2);
  EXPECT_THAT(text(found), HasSubstr("2 tensors are the same, 0 differ"));
  EXPECT_EQ(nlohmann::json::parse(json(found))["equal"], true);
}

TEST_F(DiffTest, NamesShapesTypesAndValuesAreTold) {
  const std::vector<std::uint16_t> ones{0x3F80, 0x3F80};
  const TensorMap a{{"a_only", floats({1})},         {"shape", floats({1, 2}, {1, 2})},
                    {"type", floats({1, 1})},        {"value", floats({1, 2, 3})},
                    {"wild", floats({1, INFINITY})}, {"x", floats({5})}};
  const TensorMap b{{"b_only", floats({1})},
                    {"shape", floats({1, 2}, {2, 1})},
                    {"type", formats::make_tensor<std::uint16_t>(DType::kBFloat16, {2}, ones)},
                    {"value", floats({1, 2.5, 2})},
                    {"wild", floats({NAN, INFINITY})},
                    {"x", floats({5})}};
  const Diff found = diff_of(a, b);
  EXPECT_FALSE(found.equal());
  EXPECT_EQ(found.same, 1);
  EXPECT_THAT(found.only_a, ElementsAre("a_only"));
  EXPECT_THAT(found.only_b, ElementsAre("b_only"));
  ASSERT_EQ(found.different.size(), 4U);
  EXPECT_FALSE(found.different[0].largest.has_value());
  EXPECT_EQ(found.different[1].largest, 0.0);
  EXPECT_EQ(found.different[1].dtype_b, DType::kBFloat16);
  EXPECT_EQ(found.different[2].elements, 2);
  EXPECT_EQ(found.different[2].largest, 1.0);
  EXPECT_EQ(found.different[3].elements, 1);
  EXPECT_TRUE(std::isinf(found.different[3].largest.value()));

  const auto document = nlohmann::json::parse(json(found));
  EXPECT_TRUE(document["different"][0]["max_difference"].is_null());
  EXPECT_EQ(document["different"][0]["shape_b"], (nlohmann::json{2, 1}));
  EXPECT_EQ(document["different"][2]["max_difference"], 1.0);
  EXPECT_EQ(document["different"][3]["max_difference"], "inf");
  const std::string list = text(found, 3);
  EXPECT_THAT(list, HasSubstr("shape: shapes [1, 2] and [2, 1]"));
  EXPECT_THAT(list, HasSubstr("value: 2 of 3 elements differ, by at most 1"));
  EXPECT_THAT(list, HasSubstr("... and 1 more"));  // the smallest, "type"
  EXPECT_THAT(text(found), HasSubstr("type: F32 and BF16"));
}

TEST_F(DiffTest, DifferencesWithinTheToleranceAreNone) {
  const TensorMap a{{"x", floats({1, 2})}};
  const TensorMap b{{"x", floats({1.25, 2})}};
  EXPECT_FALSE(diff_of(a, b, 0.2).equal());
  EXPECT_TRUE(diff_of(a, b, 0.25).equal());
}

TEST_F(DiffTest, AFileThatIsNoneIsAnError) {
  EXPECT_THROW(diff(folder_.path() / "absent", folder_.path() / "absent"), CheckpointError);
}

}  // namespace
}  // namespace referent::checkpoint
