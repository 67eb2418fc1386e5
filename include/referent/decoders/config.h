// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
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
  std::int64_t attention_width = 64;

  template <class V>
  void visit(V& v) {
    v.field(
        "type", type,
        "Kind of decoder: TransVG's REG token among text and visual tokens, or VG-LAW's pooling "
        "of the visual tokens by attention from the text's first token.",
        config::one_of({"reg_token", "language_pooling"}));
    v.field("transformer", transformer,
            "The encoder layers over REG, text and visual tokens (reg_token).");
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
    v.field("attention_width", attention_width,
            "Width of the query and the keys (language_pooling).", config::in_range(1, 4096));
  }
};

struct BoxHeadConfig {
  std::int64_t layers = 3;
  std::optional<std::int64_t> hidden = std::nullopt;

  template <class V>
  void visit(V& v) {
    v.field("layers", layers, "Linear layers of the MLP.", config::in_range(1, 8));
    v.field("hidden", hidden, "Inner width of the MLP; left out: the decoder's width.",
            config::in_range(1, 4096));
  }
};

struct MaskHeadConfig {
  std::int64_t width = 256;
  double threshold = 0.35;

  template <class V>
  void visit(V& v) {
    v.field("width", width, "Channels between the two upsampling convolutions.",
            config::in_range(1, 4096));
    v.field("threshold", threshold, "A pixel belongs to the mask above this probability.",
            config::in_range(0, 1));
  }
};

struct HeadsConfig {
  std::optional<BoxHeadConfig> box = BoxHeadConfig{};
  std::optional<MaskHeadConfig> mask = std::nullopt;

  template <class V>
  void visit(V& v) {
    v.field("box", box, "The box head; null: none, and a box is the smallest around the mask.");
    v.field("mask", mask, "The mask head; left out: the model gives boxes only.");
  }
};

}  // namespace referent::decoders
