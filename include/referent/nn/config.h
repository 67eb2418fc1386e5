// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "referent/config/field.h"

namespace referent::nn {

/// A stack of transformer encoder layers (DETR's).
struct TransformerConfig {
  std::int64_t layers = 6;
  std::int64_t width = 256;
  std::int64_t heads = 8;
  std::int64_t feedforward = 2048;
  double dropout = 0.1;
  std::optional<double> attention_dropout = std::nullopt;
  bool norm_first = false;
  bool xavier_output = true;

  template <class V>
  void visit(V& v) {
    v.field("layers", layers, "Number of layers.", config::in_range(0, 64));
    v.field("width", width, "Width of a token.", config::in_range(8, 4096));
    v.field("heads", heads, "Attention heads; they divide the width.", config::in_range(1, 64));
    v.field("feedforward", feedforward, "Inner width of the MLP.", config::in_range(8, 16384));
    v.field("dropout", dropout, "Dropout of sublayers, the MLP and attention weights.",
            config::in_range(0, 0.99));
    v.field("attention_dropout", attention_dropout,
            "Dropout of attention weights, where it is to differ from the rest.",
            config::in_range(0, 0.99));
    v.field(
        "norm_first", norm_first,
        "Normalise the input of every sublayer in place of its sum with the shortcut (pre-norm): "
        "learns far sooner from scratch. Published models are post-norm.");
    v.field("xavier_output", xavier_output,
            "Draw attention's output projection as DETR draws every matrix. Off: as PyTorch's "
            "attention leaves it, 0.58 times as wide, so that attention starts weaker.");
  }
};

/// How a table of relative positions made for another picture size is brought to this one.
enum class PositionFit { kLinear, kCrop };

}  // namespace referent::nn

template <>
struct referent::config::EnumNames<referent::nn::PositionFit> {
  static constexpr std::array kNames{std::pair{referent::nn::PositionFit::kLinear, "linear"},
                                     std::pair{referent::nn::PositionFit::kCrop, "crop"}};
};
