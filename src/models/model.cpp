// SPDX-License-Identifier: Apache-2.0
#include "referent/models/model.h"

#include "referent/core/error.h"
#include "referent/models/grounder.h"

namespace referent::models {
namespace {

void check_heads(const char* part, std::int64_t width, std::int64_t heads) {
  if (width % heads != 0) {
    throw ConfigError("model.{}: width {} is not a multiple of its {} heads", part, width, heads);
  }
}

}  // namespace

std::shared_ptr<Model> make_model(const ModelConfig& config, const InputShape& shape) {
  const encoders::VisualEncoderConfig& visual = config.visual_encoder;
  const nn::TransformerConfig& fusion = config.decoder.transformer;
  check_heads("text_encoder", config.text_encoder.width, config.text_encoder.heads);
  check_heads("visual_encoder.transformer", visual.transformer.width, visual.transformer.heads);
  check_heads("visual_encoder.vit", visual.vit.width, visual.vit.heads);
  check_heads("decoder.transformer", fusion.width, fusion.heads);
  const bool vit = visual.type == "vitdet";
  const std::int64_t width = vit ? visual.vit.width : visual.transformer.width;
  if (width % 4 != 0) {
    throw ConfigError("model.visual_encoder.{}.width {}: sine positions need a multiple of 4",
                      vit ? "vit" : "transformer", width);
  }
  if (!config.heads.box && !config.heads.mask) {
    throw ConfigError("model.heads: a model needs a box head, a mask head or both");
  }
  if (shape.text_tokens > config.text_encoder.positions) {
    throw ConfigError("data.text.length {} is more than the text encoder's {} positions",
                      shape.text_tokens, config.text_encoder.positions);
  }
  return std::make_shared<Grounder>(config, shape);
}

}  // namespace referent::models
