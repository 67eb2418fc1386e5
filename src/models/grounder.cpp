// SPDX-License-Identifier: Apache-2.0
#include "referent/models/grounder.h"

#include "referent/batch/probe.h"

namespace referent::models {

Grounder::Grounder(const ModelConfig& config, const InputShape& shape)
    : text_encoder_(config.text_encoder, config.decoder.transformer.width),
      visual_encoder_(encoders::make_visual_encoder(config.visual_encoder)),
      conditioning_(conditioning::make_conditioning(config.conditioning, visual_encoder_->sites(),
                                                    config.decoder.transformer.width)),
      decoder_(config.decoder, decoders::DecoderShape{visual_encoder_->width(),
                                                      visual_encoder_->tokens(shape.image_size),
                                                      shape.text_tokens}),
      box_head_(config.heads.box, config.decoder.transformer.width) {
  register_module("text_encoder", text_encoder_);
  register_module("visual_encoder", visual_encoder_);
  if (conditioning_ != nullptr) register_module("conditioning", conditioning_);
  register_module("decoder", decoder_);
  register_module("box_head", box_head_);
}

Output Grounder::forward(const Batch& batch) {
  const TextFeatures text = text_encoder_(batch.tokens, batch.token_padding);
  const VisualFeatures visual =
      visual_encoder_->forward(batch.images, batch.image_padding, text, conditioning_.get());
  const Tensor boxes = box_head_(decoder_(text, visual));  // [B, 4]
  probe("box_head", boxes);
  return {boxes.unsqueeze(1), {}};
}

}  // namespace referent::models
