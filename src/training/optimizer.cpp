// SPDX-License-Identifier: Apache-2.0
#include "referent/training/optimizer.h"

#include <set>

#include "referent/core/error.h"

namespace referent::training {

using torch::Tensor;

bool matches(const std::string& pattern, const std::string& name) {
  // Greedy matching with one point to fall back to: linear in practice, quadratic at worst.
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string::npos;
  std::size_t retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string::npos) {
      p = star + 1;
      n = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

AdamW::AdamW(const OptimizerConfig& config, torch::nn::Module& model) : config_(config) {
  for (const GroupConfig& group : config.groups) {
    groups_.push_back({group.name, group.learning_rate, {}, 0});
  }
  groups_.push_back({"rest", config.learning_rate, {}, 0});

  std::set<std::pair<std::size_t, std::size_t>> used;  // (group, pattern)
  for (auto& item : model.named_parameters()) {
    std::size_t group = config.groups.size();
    for (std::size_t g = 0; g < config.groups.size(); ++g) {
      for (std::size_t k = 0; k < config.groups[g].patterns.size(); ++k) {
        if (!matches(config.groups[g].patterns[k], item.key())) continue;
        used.emplace(g, k);
        group = std::min(group, g);
      }
    }
    if (group < config.groups.size() && config.groups[group].frozen) {
      item.value().set_requires_grad(false);
    }
    if (!item.value().requires_grad()) continue;
    groups_[group].parameters.push_back(item.key());
    groups_[group].count += item.value().numel();
    slots_.push_back({item.key(), group, item.value(), {}, {}, {}});
  }
  for (std::size_t g = 0; g < config.groups.size(); ++g) {
    for (std::size_t k = 0; k < config.groups[g].patterns.size(); ++k) {
      if (used.contains({g, k})) continue;
      throw ConfigError(
          "train.optimizer.groups[{}] ({}): the pattern \"{}\" matches no parameter of the model",
          g, config.groups[g].name, config.groups[g].patterns[k]);
    }
  }
}

Tensor AdamW::gradient_norm() const {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> gradients;
  for (const Slot& slot : slots_) {
    if (slot.parameter.grad().defined()) gradients.push_back(slot.parameter.grad());
  }
  if (gradients.empty()) return torch::zeros({});
  return at::stack(at::_foreach_norm(gradients, 2)).norm(2);
}

void AdamW::make_state(Slot& slot) {
  // preserve_format: moments lie in memory as the parameter does, which the fused kernel needs.
  slot.exp_avg = torch::zeros_like(slot.parameter);
  slot.exp_avg_sq = torch::zeros_like(slot.parameter);
  slot.step = torch::zeros({}, slot.parameter.options().dtype(torch::kFloat32));
}

void AdamW::step(double factor, const Tensor& norm, double loss_scale) {
  const torch::NoGradGuard no_grad;
  const Tensor stays = norm.isfinite().logical_not().to(torch::kFloat32);
  const Tensor moves = 1 - stays;
  // The kernel divides gradients by a scale as it reads them, which spares a pass over them.
  std::optional<Tensor> scale;
  if (config_.clip_norm > 0) {
    scale = ((norm.to(torch::kFloat32) + 1e-6) / config_.clip_norm).clamp_min(1.0);
  }
  if (loss_scale != 1) {
    scale = scale ? *scale * loss_scale
                  : torch::full({}, loss_scale, norm.options().dtype(torch::kFloat32));
  }
  struct Lists {
    std::vector<Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
  };
  std::vector<Lists> lists(groups_.size());
  // All memory is taken before anything changes: where it does not suffice, nothing has happened.
  for (Slot& slot : slots_) {
    const Tensor gradient = slot.parameter.grad();
    if (!gradient.defined()) continue;
    if (!slot.exp_avg.defined()) make_state(slot);
    Lists& group = lists[slot.group];
    group.parameters.push_back(slot.parameter);
    group.gradients.push_back(gradient.strides() == slot.parameter.strides()
                                  ? gradient
                                  : torch::empty_like(slot.parameter).copy_(gradient));
    group.exp_avgs.push_back(slot.exp_avg);
    group.exp_avg_sqs.push_back(slot.exp_avg_sq);
    group.steps.push_back(slot.step);
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    Lists& group = lists[g];
    if (group.parameters.empty()) continue;
    at::_foreach_add_(group.steps, moves);
    // Counted from far enough, both moments' corrections are exactly 1.
    constexpr double kLate = 1e9;
    if (!config_.bias_correction) {
      for (Tensor& counted : group.steps) counted = torch::full_like(counted, kLate);
    }
    at::_fused_adamw_(group.parameters, group.gradients, group.exp_avgs, group.exp_avg_sqs,
                      /*max_exp_avg_sqs=*/{}, group.steps, groups_[g].learning_rate * factor,
                      config_.beta1, config_.beta2, config_.weight_decay, config_.epsilon,
                      /*amsgrad=*/false, /*maximize=*/false, scale, stays);
  }
}

void AdamW::zero_gradients() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad().reset();
}

std::vector<std::pair<std::string, Tensor>> AdamW::parameters() const {
  std::vector<std::pair<std::string, Tensor>> parameters;
  parameters.reserve(slots_.size());
  for (const Slot& slot : slots_) parameters.emplace_back(slot.name, slot.parameter);
  return parameters;
}

std::map<std::string, Tensor> AdamW::state() const {
  std::map<std::string, Tensor> state;
  for (const Slot& slot : slots_) {
    if (!slot.exp_avg.defined()) continue;
    state.emplace(slot.name + ".exp_avg", slot.exp_avg);
    state.emplace(slot.name + ".exp_avg_sq", slot.exp_avg_sq);
    state.emplace(slot.name + ".step", slot.step);
  }
  return state;
}

void AdamW::load_state(const std::map<std::string, Tensor>& state) {
  const torch::NoGradGuard no_grad;
  std::size_t taken = 0;
  for (Slot& slot : slots_) {
    const auto exp_avg = state.find(slot.name + ".exp_avg");
    if (exp_avg == state.end()) continue;
    make_state(slot);
    const auto take = [&](const char* leaf, Tensor& into) {
      const auto found = state.find(fmt::format("{}.{}", slot.name, leaf));
      if (found == state.end() || found->second.sizes() != into.sizes()) {
        throw CheckpointError("the optimizer state of {} does not fit: {} is {}", slot.name, leaf,
                              found == state.end() ? "missing" : "of another shape");
      }
      into.copy_(found->second);
      ++taken;
    };
    take("exp_avg", slot.exp_avg);
    take("exp_avg_sq", slot.exp_avg_sq);
    take("step", slot.step);
  }
  if (taken != state.size()) {
    throw CheckpointError(
        "the optimizer state holds {} tensors for parameters that this run does not train",
        state.size() - taken);
  }
}

}  // namespace referent::training
