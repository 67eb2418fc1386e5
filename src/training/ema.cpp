// SPDX-License-Identifier: Apache-2.0
#include "referent/training/ema.h"

#include <algorithm>

#include "referent/core/error.h"

namespace referent::training {

using torch::Tensor;

double ema_decay(const EmaConfig& config, std::int64_t update) {
  if (!config.warmup) return config.decay;
  const auto done = static_cast<double>(update);
  return std::min(config.decay, (1 + done) / (10 + done));
}

Ema::Ema(const EmaConfig& config, const torch::nn::Module& model) : config_(config) {
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    names_.push_back(item.key());
    parameters_.push_back(item.value());
    averages_.push_back(item.value().detach().to(torch::kFloat32, /*non_blocking=*/false,
                                                 /*copy=*/true));
  }
}

void Ema::update() {
  const torch::NoGradGuard no_grad;
  at::_foreach_lerp_(averages_, parameters_, 1 - ema_decay(config_, updates_));
  ++updates_;
}

void Ema::swap() {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor kept = averages_[i].clone();
    averages_[i].copy_(parameters_[i]);
    parameters_[i].copy_(kept);
  }
}

std::map<std::string, Tensor> Ema::state() const {
  std::map<std::string, Tensor> state;
  for (std::size_t i = 0; i < names_.size(); ++i) state.emplace(names_[i], averages_[i]);
  return state;
}

void Ema::load_state(const std::map<std::string, Tensor>& state, std::int64_t updates) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const auto found = state.find(names_[i]);
    if (found == state.end() || found->second.sizes() != averages_[i].sizes()) {
      throw CheckpointError("the average of {} is {}", names_[i],
                            found == state.end() ? "missing" : "of another shape");
    }
    averages_[i].copy_(found->second);
  }
  updates_ = updates;
}

}  // namespace referent::training
