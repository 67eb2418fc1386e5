// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "referent/config/field.h"

namespace referent::training {

/// Parameters whose name matches a pattern learn at their own rate.
struct GroupConfig {
  std::string name;
  std::vector<std::string> patterns;
  double learning_rate = 1e-5;
  bool frozen = false;

  template <class V>
  void visit(V& v) {
    v.field("name", name, "Name of the group, for logs.", config::required());
    v.field("patterns", patterns,
            "Parameter names; * stands for any characters. The first group with a match takes a "
            "parameter.",
            config::required());
    v.field("learning_rate", learning_rate, "Peak learning rate of the group.",
            config::in_range(0, 10));
    v.field("frozen", frozen, "Do not train these parameters.");
  }
};

struct OptimizerConfig {
  double learning_rate = 1e-4;
  double weight_decay = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool bias_correction = true;
  double clip_norm = 0.0;
  std::vector<GroupConfig> groups;

  template <class V>
  void visit(V& v) {
    v.field("learning_rate", learning_rate, "Peak rate of parameters that no group takes.",
            config::in_range(0, 10));
    v.field("weight_decay", weight_decay, "AdamW's decoupled weight decay.",
            config::in_range(0, 10));
    v.field("beta1", beta1, "Decay of the first moment.", config::in_range(0, 0.9999999));
    v.field("beta2", beta2, "Decay of the second moment.", config::in_range(0, 0.9999999));
    v.field("epsilon", epsilon, "Added to the denominator.", config::in_range(0, 1));
    v.field("bias_correction", bias_correction,
            "Divide the moments by what they lack in the first steps, as AdamW does; VG-LAW's "
            "released optimiser does not.");
    v.field("clip_norm", clip_norm, "Largest L2 norm of all gradients together; 0: no clipping.",
            config::at_least(0));
    v.field("groups", groups, "Groups with rates of their own.");
  }
};

struct EmaConfig {
  double decay = 0.9998;
  bool warmup = true;

  template <class V>
  void visit(V& v) {
    v.field("decay", decay, "Share of the average that a step keeps.", config::in_range(0, 1));
    v.field("warmup", warmup,
            "Keep at most (1 + n) / (10 + n) at step n, so that early values are forgotten soon.");
  }
};

struct LossScalingConfig {
  double initial = 65536;
  std::int64_t growth_steps = 2000;

  template <class V>
  void visit(V& v) {
    v.field("initial", initial, "The factor at first; an overflow halves it.",
            config::in_range(1, 16777216));
    v.field("growth_steps", growth_steps, "Steps without overflow after which it doubles.",
            config::at_least(1));
  }
};

enum class ScheduleType { kConstant, kStep, kPoly, kCosine };

/// The learning rate as a factor of the peak: linear warm-up over steps, then by type.
struct ScheduleConfig {
  ScheduleType type = ScheduleType::kStep;
  std::int64_t warmup_steps = 0;
  std::int64_t drop_epochs = 60;
  std::vector<std::int64_t> drops;
  double drop_factor = 0.1;
  double power = 0.9;

  template <class V>
  void visit(V& v) {
    v.field("type", type,
            "constant: the peak; step: times drop_factor at every epoch of drops, or where there "
            "are none at every multiple of drop_epochs; poly: (1 - t)^power; "
            "cosine: (1 + cos(pi t)) / 2; t is the share of the run that is done.");
    v.field("warmup_steps", warmup_steps, "Steps of linear warm-up.", config::at_least(0));
    v.field("drop_epochs", drop_epochs, "Epochs between drops (step).", config::at_least(1));
    v.field("drops", drops, "Epochs, from 0, that begin with a drop (step).");
    v.field("drop_factor", drop_factor, "Factor of a drop (step).", config::in_range(0, 1));
    v.field("power", power, "Exponent (poly).", config::in_range(0, 10));
  }
};

}  // namespace referent::training

template <>
struct referent::config::EnumNames<referent::training::ScheduleType> {
  static constexpr std::array kNames{
      std::pair{referent::training::ScheduleType::kConstant, "constant"},
      std::pair{referent::training::ScheduleType::kStep, "step"},
      std::pair{referent::training::ScheduleType::kPoly, "poly"},
      std::pair{referent::training::ScheduleType::kCosine, "cosine"}};
};
