// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "formats/fixtures.h"
#include "referent/checkpoint/checkpoint.h"
#include "referent/core/error.h"

namespace referent::checkpoint {
namespace {

using ::testing::HasSubstr;

TEST(InspectTest, DescribesANativeCheckpoint) {
  const testing::TemporaryFolder folder;
  const Path path = folder.path() / "a.safetensors";
  const std::array<float, 6> values{};
  const auto weight = formats::make_tensor<float>(formats::DType::kFloat32, {2, 3}, values);
  Checkpoint checkpoint;
  checkpoint.tensors = {{"decoder.a", weight},
                        {"decoder.b", weight},
                        {"ema.decoder.a", weight},
                        {"optimizer.decoder.a.exp_avg", weight}};
  checkpoint.config = R"({"name": "tiny", "model": {"type": "grounder", "preset": "mmca-r50"}})";
  checkpoint.metrics = R"({"prec@0.5": 0.75})";
  checkpoint.training = "not JSON";
  write_checkpoint(path, checkpoint);

  const Inspection inspection = inspect(path);
  EXPECT_EQ(inspection.kind, "native checkpoint");
  EXPECT_EQ(inspection.parameters, 12);
  EXPECT_EQ(inspection.groups.at("decoder").tensors, 2U);
  EXPECT_EQ(inspection.groups.at("optimizer").bytes, 24U);
  EXPECT_EQ(inspection.file_bytes, std::filesystem::file_size(path));
  EXPECT_THAT(text(inspection), HasSubstr("name \"tiny\", model/type \"grounder\""));
  EXPECT_THAT(text(inspection), HasSubstr("[2, 3]"));
  EXPECT_THAT(text(inspection, false), ::testing::Not(HasSubstr("[2, 3]")));
  const auto document = nlohmann::json::parse(json(inspection));
  EXPECT_EQ(document["config"]["model"]["preset"], "mmca-r50");
  EXPECT_EQ(document["metrics"]["prec@0.5"], 0.75);
  EXPECT_EQ(document["training"], "not JSON");
  EXPECT_EQ(document["tensors"].size(), 4U);
  EXPECT_EQ(document["tensors"][0]["dtype"], "F32");
  EXPECT_TRUE(document["family"].is_null());
}

TEST(InspectTest, DescribesAReleasedCheckpoint) {
  const Inspection inspection = inspect(testing::fixture("state_legacy.pth"));
  EXPECT_EQ(inspection.kind, "torch legacy");
  EXPECT_EQ(inspection.tensors.size(), 19U);
  const auto document = nlohmann::json::parse(json(inspection));
  EXPECT_EQ(document["epoch"], 7);
  EXPECT_EQ(document["val_accu"], 0.8125);
  EXPECT_THAT(text(inspection), HasSubstr("BF16"));
}

TEST(InspectTest, RefusesADamagedCheckpoint) {
  const testing::TemporaryFolder folder;
  write_checkpoint(folder.path() / "a", {});
  std::string content = read_text_file(folder.path() / "a");
  content[content.find("referent-checkpoint")] = 'R';
  EXPECT_THROW(inspect(folder.file("b", content)), CheckpointError);
}

}  // namespace
}  // namespace referent::checkpoint
