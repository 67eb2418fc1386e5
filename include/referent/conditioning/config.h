// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "referent/config/field.h"

namespace referent::conditioning {

enum class Type { kNone, kMmca };
/// Which of two differing sources decides: the released code (whose numbers are published) or the
/// paper's text.
enum class Variant { kReleased, kPaper };

struct ConditioningConfig {
  Type type = Type::kNone;
  Variant variant = Variant::kReleased;
  std::int64_t rank = 64;
  std::int64_t gate_width = 128;
  std::int64_t gate_hidden = 32;
  std::optional<double> core_deviation;

  template <class V>
  void visit(V& v) {
    v.field("type", type, "How the text changes the visual encoder's weights.");
    v.field(
        "variant", variant,
        "MMCA as released (updates on the input of q and k and on whole residual blocks) or as "
        "the paper writes (updates of the weights of q, k, the MLP and the last block's 3x3 "
        "convolution). Where the paper is silent: the low-rank input of a projection is its own "
        "input, the MLP's update maps its input to its output, a basic block's second "
        "convolution is the one updated, and gates average over all positions.");
    v.field("rank", rank, "Rank of an update.", config::in_range(1, 1024));
    v.field("gate_width", gate_width, "Width of the gate's fused feature E_mm.",
            config::in_range(1, 4096));
    v.field("gate_hidden", gate_hidden, "Hidden width of the gate's MLP.",
            config::in_range(1, 4096));
    v.field("core_deviation", core_deviation,
            "Standard deviation of the initial weights W_g that make the core, with PyTorch's own "
            "initial values elsewhere. Left out: as published, where the convolutions' W_g is zero "
            "and so lets no text through at first.",
            config::in_range(0, 10));
  }
};

}  // namespace referent::conditioning

template <>
struct referent::config::EnumNames<referent::conditioning::Type> {
  static constexpr std::array kNames{std::pair{referent::conditioning::Type::kNone, "none"},
                                     std::pair{referent::conditioning::Type::kMmca, "mmca"}};
};
template <>
struct referent::config::EnumNames<referent::conditioning::Variant> {
  static constexpr std::array kNames{
      std::pair{referent::conditioning::Variant::kReleased, "released"},
      std::pair{referent::conditioning::Variant::kPaper, "paper"}};
};
