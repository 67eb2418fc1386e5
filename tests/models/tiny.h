// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "referent/models/model.h"

namespace referent::testing {

/// A grounder of every part at a size that runs in milliseconds.
inline models::ModelConfig tiny_model(conditioning::Type conditioning,
                                      conditioning::Variant variant) {
  models::ModelConfig config;
  config.text_encoder.vocabulary_size = 50;
  config.text_encoder.positions = 16;
  config.text_encoder.layers = 1;
  config.text_encoder.width = 16;
  config.text_encoder.heads = 2;
  config.text_encoder.feedforward = 32;
  config.visual_encoder.backbone.depth = 18;
  config.visual_encoder.backbone.width = 8;
  config.visual_encoder.transformer = {1, 16, 2, 32, 0.0};
  config.decoder.transformer = {1, 16, 2, 32, 0.0};
  config.conditioning.type = conditioning;
  config.conditioning.variant = variant;
  config.conditioning.rank = 4;
  config.conditioning.gate_width = 8;
  config.conditioning.gate_hidden = 4;
  config.conditioning.generator_heads = 2;
  config.conditioning.generator_reduction = 2;
  return config;
}

/// The same on ViTDet, with padded windows in pictures of 80 pixels.
inline models::ModelConfig tiny_vit_model(conditioning::Type conditioning,
                                          conditioning::Variant variant) {
  models::ModelConfig config = tiny_model(conditioning, variant);
  config.visual_encoder.type = "vitdet";
  encoders::VitConfig& vit = config.visual_encoder.vit;
  vit.width = 24;
  vit.layers = 2;
  vit.heads = 2;
  vit.mlp_ratio = 2;
  vit.window = 2;
  vit.global_layers = {1};
  vit.pretrain_size = 48;
  return config;
}

struct Combination {
  bool vit;
  conditioning::Type type;
  conditioning::Variant variant;
  bool pooling;
  bool mask;
};

/// Every visual encoder under every conditioning, with either decoder and with or without masks.
inline std::vector<Combination> combinations() {
  using conditioning::Type;
  using conditioning::Variant;
  std::vector<Combination> all;
  for (const bool vit : {false, true}) {
    for (const auto& [type, variant] :
         {std::pair{Type::kNone, Variant::kReleased}, std::pair{Type::kMmca, Variant::kReleased},
          std::pair{Type::kMmca, Variant::kPaper}, std::pair{Type::kLaw, Variant::kReleased},
          std::pair{Type::kLaw, Variant::kPaper}}) {
      for (const bool pooling : {false, true}) {
        for (const bool mask : {false, true}) all.push_back({vit, type, variant, pooling, mask});
      }
    }
  }
  return all;
}

inline models::ModelConfig tiny_model(const Combination& c) {
  models::ModelConfig config =
      c.vit ? tiny_vit_model(c.type, c.variant) : tiny_model(c.type, c.variant);
  if (c.pooling) {
    config.decoder.type = "language_pooling";
    config.text_encoder.projection = false;
  }
  if (c.mask) config.heads.mask = decoders::MaskHeadConfig{8};
  return config;
}

inline std::string name_of(const ::testing::TestParamInfo<Combination>& info) {
  constexpr std::array kTypes{"None", "Mmca", "Law"};
  const Combination& c = info.param;
  return fmt::format("{}{}{}{}{}", c.vit ? "Vit" : "ResNet",
                     kTypes.at(static_cast<std::size_t>(c.type)),
                     c.variant == conditioning::Variant::kPaper ? "Paper" : "",
                     c.pooling ? "Pooling" : "RegToken", c.mask ? "Mask" : "");
}

inline Batch tiny_batch(std::int64_t batch_size, std::int64_t image_size,
                        std::int64_t text_tokens) {
  Batch batch;
  batch.images = torch::randn({batch_size, 3, image_size, image_size});
  batch.image_padding = torch::zeros({batch_size, image_size, image_size}, torch::kBool);
  batch.image_padding.narrow(1, image_size / 2, image_size / 2).fill_(true);
  batch.images.masked_fill_(batch.image_padding.unsqueeze(1), 0);
  batch.tokens = torch::randint(1, 50, {batch_size, text_tokens}, torch::kInt64);
  batch.token_padding = torch::zeros({batch_size, text_tokens}, torch::kBool);
  batch.token_padding.narrow(1, text_tokens - 2, 2).fill_(true);
  batch.boxes = torch::tensor({0.5F, 0.25F, 0.4F, 0.3F}).expand({batch_size, 4});
  return batch;
}

}  // namespace referent::testing
