// SPDX-License-Identifier: Apache-2.0
// Names and shapes of the published models' parameters against a stored list: a changed name would
// orphan every checkpoint.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "referent/core/file.h"
#include "referent/models/model.h"
#include "referent/models/state.h"

namespace referent::models {
namespace {

std::string listing(const ModelConfig& config, const InputShape& shape) {
  const auto model = make_model(config, shape);
  std::string lines;
  for (const auto& [name, sizes] : state_shapes(*model)) {
    lines += fmt::format("{} [{}]\n", name, fmt::join(sizes, ", "));
  }
  return lines;
}

TEST(NamesTest, MmcaR50IsAsStored) {
  ModelConfig config;
  config.conditioning.type = conditioning::Type::kMmca;
  EXPECT_EQ(listing(config, {640, 20}),
            read_text_file(Path(REFERENT_SOURCE_DIR) / "tests/golden/models/mmca-r50.txt"));
}

TEST(NamesTest, VgLawIsAsStored) {
  ModelConfig config;
  config.text_encoder.layers = 6;
  config.text_encoder.projection = false;
  config.visual_encoder.type = "vitdet";
  config.conditioning.type = conditioning::Type::kLaw;
  config.decoder.type = "language_pooling";
  config.heads.box->hidden = 256;
  config.heads.mask = decoders::MaskHeadConfig{};
  EXPECT_EQ(listing(config, {448, 40}),
            read_text_file(Path(REFERENT_SOURCE_DIR) / "tests/golden/models/vg-law-vitb.txt"));
}

}  // namespace
}  // namespace referent::models
