// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "referent/config/field.h"
#include "referent/nn/config.h"

namespace referent::decoders {

/// What reads the answer off the encoded tokens.
struct DecoderConfig {
  std::string type = "reg_token";
  nn::TransformerConfig transformer;
  bool position_in_values = false;
  double embedding_deviation = 1.0;

  template <class V>
  void visit(V& v) {
    v.field("type", type, "Kind of decoder: TransVG's REG token among text and visual tokens.",
            config::one_of({"reg_token"}));
    v.field("transformer", transformer, "The encoder layers over REG, text and visual tokens.");
    v.field(
        "position_in_values", position_in_values,
        "Add the sine position to the visual tokens, so that attention's values tell where they "
        "are from. TransVG shows positions to queries and keys only and relies on a pretrained "
        "encoder whose tokens know their place; models trained from scratch learn far sooner "
        "with this.");
    v.field(
        "embedding_deviation", embedding_deviation,
        "Standard deviation of the initial REG token and positions: 1 as released; smaller lets "
        "content decide attention from the start.",
        config::in_range(0, 10));
  }
};

struct BoxHeadConfig {
  std::int64_t layers = 3;

  template <class V>
  void visit(V& v) {
    v.field("layers", layers, "Linear layers of the MLP.", config::in_range(1, 8));
  }
};

struct HeadsConfig {
  BoxHeadConfig box;

  template <class V>
  void visit(V& v) {
    v.field("box", box, "The box head.");
  }
};

}  // namespace referent::decoders
