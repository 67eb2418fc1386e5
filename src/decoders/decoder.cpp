// SPDX-License-Identifier: Apache-2.0
#include "referent/decoders/decoder.h"

#include "referent/core/error.h"
#include "referent/decoders/language_pooling.h"
#include "referent/decoders/reg_token_decoder.h"

namespace referent::decoders {

std::shared_ptr<Decoder> make_decoder(const DecoderConfig& config, const DecoderShape& shape) {
  if (config.type == "language_pooling") return std::make_shared<LanguagePooling>(config, shape);
  if (shape.text_width != config.transformer.width) {
    throw ConfigError(
        "model.text_encoder.projection is off, so tokens of the text are {} wide; the REG-token "
        "decoder needs them as wide as model.decoder.transformer.width, {}",
        shape.text_width, config.transformer.width);
  }
  return std::make_shared<RegTokenDecoder>(config, shape);
}

}  // namespace referent::decoders
