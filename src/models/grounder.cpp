// SPDX-License-Identifier: Apache-2.0
#include "referent/models/grounder.h"

#include "referent/batch/normalise.h"
#include "referent/batch/probe.h"

namespace referent::models {

Grounder::Grounder(const ModelConfig& config, const InputShape& shape)
    : text_encoder_(config.text_encoder, config.decoder.transformer.width),
      visual_encoder_(encoders::make_visual_encoder(config.visual_encoder, shape.image_size)) {
  const auto visual = encoders::visual_shape(config.visual_encoder, shape.image_size);
  conditioning_ =
      conditioning::make_conditioning(config.conditioning, visual.sites, text_encoder_->width());
  register_module("text_encoder", text_encoder_);
  register_module("visual_encoder", visual_encoder_);
  if (conditioning_ != nullptr) register_module("conditioning", conditioning_);
  if (config.heads.box) {
    decoder_ = register_module(
        "decoder",
        decoders::make_decoder(config.decoder, {visual.width, visual.tokens, text_encoder_->width(),
                                                shape.text_tokens}));
    box_head_ =
        register_module("box_head", decoders::BoxHead(*config.heads.box, decoder_->width()));
  }
  if (config.heads.mask) {
    mask_head_ = register_module(
        "mask_head", decoders::MaskHead(*config.heads.mask, visual.width, text_encoder_->width()));
  }
}

Output Grounder::forward(const Batch& batch) {
  const TextFeatures text = text_encoder_(batch.tokens, batch.token_padding);
  const VisualFeatures visual =
      visual_encoder_->forward(normalised_images(batch.images, batch.image_padding),
                               batch.image_padding, text, conditioning_.get());
  Output output;
  if (!box_head_.is_empty()) {
    output.boxes = box_head_(decoder_->forward(text, visual)).unsqueeze(1);  // [B, 1, 4]
    probe("box_head", output.boxes.squeeze(1));
  }
  if (!mask_head_.is_empty()) {
    output.mask_logits =
        mask_head_(text, visual, batch.images.size(2), batch.images.size(3));  // [B, 1, H, W]
    probe("mask_head", output.mask_logits);
  }
  return output;
}

}  // namespace referent::models
