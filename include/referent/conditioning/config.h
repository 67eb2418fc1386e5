// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "referent/config/field.h"

namespace referent::conditioning {

enum class Type { kNone, kMmca, kLaw };
/// Which of two differing sources decides: the released code (whose numbers are published) or the
/// paper's text.
enum class Variant { kReleased, kPaper };

struct ConditioningConfig {
  Type type = Type::kNone;
  Variant variant = Variant::kReleased;
  std::optional<std::int64_t> rank = std::nullopt;
  std::int64_t gate_width = 128;
  std::int64_t gate_hidden = 32;
  std::optional<double> core_deviation = std::nullopt;
  std::int64_t generator_heads = 12;
  std::int64_t generator_reduction = 16;

  /// Rank of an update: as published (MMCA 64, VG-LAW 32) where none is given.
  std::int64_t update_rank() const { return rank.value_or(type == Type::kLaw ? 32 : 64); }

  template <class V>
  void visit(V& v) {
    v.field("type", type,
            "How the text changes the visual encoder's weights: not at all, by MMCA's gated "
            "adapters, or by VG-LAW's language-adaptive weights.");
    v.field(
        "variant", variant,
        "MMCA as released (updates on the input of q and k and on whole residual blocks) or as "
        "the paper writes (updates of the weights of q, k, the MLP and the last block's 3x3 "
        "convolution). Where the paper is silent: the low-rank input of a projection is its own "
        "input, the MLP's update maps its input to its output, a basic block's second "
        "convolution is the one updated, and gates average over all positions. VG-LAW as released "
        "(its generator scales attention by the width of a head, normalises before GELU and starts "
        "at no update) or as the paper writes (neither).");
    v.field("rank", rank, "Rank of an update; left out: 64 for MMCA, 32 for VG-LAW.",
            config::in_range(1, 1024));
    v.field("gate_width", gate_width, "Width of the gate's fused feature E_mm (MMCA).",
            config::in_range(1, 4096));
    v.field("gate_hidden", gate_hidden, "Hidden width of the gate's MLP (MMCA).",
            config::in_range(1, 4096));
    v.field("core_deviation", core_deviation,
            "Standard deviation of the initial weights W_g that make the core, with PyTorch's own "
            "initial values elsewhere. Left out: as published, where the convolutions' W_g is zero "
            "and so lets no text through at first (MMCA).",
            config::in_range(0, 10));
    v.field("generator_heads", generator_heads,
            "Heads by which a layer's embedding attends to the text; they divide its width "
            "(VG-LAW).",
            config::in_range(1, 64));
    v.field("generator_reduction", generator_reduction,
            "Width of the text over the generator's inner width (VG-LAW).",
            config::in_range(1, 4096));
  }
};

}  // namespace referent::conditioning

template <>
struct referent::config::EnumNames<referent::conditioning::Type> {
  static constexpr std::array kNames{std::pair{referent::conditioning::Type::kNone, "none"},
                                     std::pair{referent::conditioning::Type::kMmca, "mmca"},
                                     std::pair{referent::conditioning::Type::kLaw, "law"}};
};
template <>
struct referent::config::EnumNames<referent::conditioning::Variant> {
  static constexpr std::array kNames{
      std::pair{referent::conditioning::Variant::kReleased, "released"},
      std::pair{referent::conditioning::Variant::kPaper, "paper"}};
};
