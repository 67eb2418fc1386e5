// SPDX-License-Identifier: Apache-2.0
// First values from files of pretrained vision transformers.
#include "referent/models/init.h"

#include <gtest/gtest.h>

#include "models/tiny.h"
#include "referent/core/error.h"
#include "referent/formats/safetensors.h"
#include "referent/models/state.h"
#include "referent/nn/relative_position.h"
#include "support/temporary_folder.h"

namespace referent::models {
namespace {

using conditioning::Type;
using conditioning::Variant;
using torch::Tensor;

constexpr InputShape kShape{80, 8};

/// The visual encoder's random values under other names, as a file. A table of relative positions
/// of blocks that see the whole grid is given `rows`.
class InitTest : public ::testing::Test {
 protected:
  InitTest() : config_(testing::tiny_vit_model(Type::kNone, Variant::kReleased)) {
    torch::manual_seed(1);
  }

  void write(const std::string& prefix, std::int64_t rows, bool relative) {
    formats::TensorMap tensors;
    for (const auto& item : make_model(config_, kShape)->named_parameters()) {
      if (!item.key().starts_with(kVisual)) continue;
      const bool table = item.key().find(".rel_pos_") != std::string::npos;
      if (table && !relative) continue;
      Tensor value = torch::randn(item.value().sizes());
      if (table && item.key().find("blocks.1.") != std::string::npos) {
        value = torch::randn({rows, value.size(1)});
      }
      source_[item.key()] = value;
      tensors.emplace(prefix + item.key().substr(kVisual.size()), to_bytes(value));
    }
    config_.init.visual_encoder = folder_.path() / "weights.safetensors";
    if (prefix == kVisual) {
      checkpoint::Checkpoint native;
      native.tensors = std::move(tensors);
      checkpoint::write_checkpoint(config_.init.visual_encoder, native);
    } else {
      formats::write_safetensors(config_.init.visual_encoder, tensors, {});
    }
  }

  std::map<std::string, Tensor> initialised() {
    const auto model = make_model(config_, kShape);
    initialise(*model, config_);
    return state_of(*model);
  }

  inline static const std::string kVisual = "visual_encoder.";
  static constexpr const char* kTable = "visual_encoder.blocks.1.attn.rel_pos_w";
  testing::TemporaryFolder folder_;
  ModelConfig config_;
  std::map<std::string, Tensor> source_;
};

TEST_F(InitTest, ViTDetsTablesAreFittedAsTold) {
  write("backbone.net.", 15, /*relative=*/true);
  for (const nn::PositionFit fit : {nn::PositionFit::kLinear, nn::PositionFit::kCrop}) {
    config_.visual_encoder.vit.position_fit = fit;
    const auto state = initialised();
    for (const auto& [name, value] : source_) {
      const Tensor& filled = state.at(name);
      EXPECT_TRUE(torch::equal(filled, value.sizes() == filled.sizes()
                                           ? value
                                           : nn::fit_relative_positions(value, 9, fit)))
          << name;
    }
    EXPECT_EQ(state.at(kTable).size(0), 9);  // five cells a side
  }
}

TEST_F(InitTest, AReportNamesTheFittedTables) {
  write("backbone.net.", 15, /*relative=*/true);
  checkpoint::StateDict state = checkpoint::read_state_dict(config_.init.visual_encoder);
  const auto model = make_model(config_, kShape);
  const auto result =
      match_released(state, "vitdet", state_shapes(*model), nn::PositionFit::kLinear);
  EXPECT_EQ(result.report.resized,
            (std::vector<std::string>{"visual_encoder.blocks.1.attn.rel_pos_h",
                                      "visual_encoder.blocks.1.attn.rel_pos_w"}));
  EXPECT_NE(checkpoint::json(result.report).find("\"resized\""), std::string::npos);
}

TEST_F(InitTest, ATableTooShortToCropDoesNotFit) {
  write("backbone.net.", 5, /*relative=*/true);
  config_.visual_encoder.vit.position_fit = nn::PositionFit::kCrop;
  EXPECT_THROW(initialised(), CheckpointError);
  config_.visual_encoder.vit.position_fit = nn::PositionFit::kLinear;
  EXPECT_EQ(initialised().at(kTable).size(0), 9);
}

TEST_F(InitTest, MaeHasNoRelativePositionsWhichStayZero) {
  write("", 0, /*relative=*/false);
  const auto state = initialised();
  for (const auto& [name, value] : source_)
    EXPECT_TRUE(torch::equal(state.at(name), value)) << name;
  EXPECT_TRUE(state.at(kTable).eq(0).all().item<bool>());
}

TEST_F(InitTest, NativeCheckpointsAreFittedToo) {
  write(kVisual, 15, /*relative=*/true);
  EXPECT_EQ(initialised().at(kTable).size(0), 9);
}

}  // namespace
}  // namespace referent::models
