// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_io.h"

#include "referent/core/hash.h"
#include "referent/core/log.h"
#include "referent/models/state.h"

namespace referent::engine {
namespace {

constexpr const char* kOptimizer = "optimizer.";
constexpr const char* kEma = "ema.";

void add(formats::TensorMap& tensors, const std::string& prefix,
         const std::map<std::string, torch::Tensor>& more) {
  for (const auto& [name, tensor] : more) {
    tensors.emplace(prefix + name, models::to_bytes(tensor));
  }
}

/// Those whose name begins with `prefix`, without it.
std::map<std::string, torch::Tensor> part_of(const checkpoint::Checkpoint& checkpoint,
                                             std::string_view prefix) {
  std::map<std::string, torch::Tensor> part;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (!name.starts_with(prefix)) continue;
    part.emplace(name.substr(prefix.size()), models::to_torch(tensor));
  }
  return part;
}

}  // namespace

formats::TensorMap training_tensors(const models::Model& model, const training::AdamW& optimizer,
                                    const training::Ema* ema) {
  formats::TensorMap tensors = models::state_bytes(model);
  add(tensors, kOptimizer, optimizer.state());
  if (ema != nullptr) add(tensors, kEma, ema->state());
  return tensors;
}

void load_optimizer(training::AdamW& optimizer, const checkpoint::Checkpoint& checkpoint) {
  optimizer.load_state(part_of(checkpoint, kOptimizer));
}

void load_ema(training::Ema& ema, const checkpoint::Checkpoint& checkpoint, std::int64_t updates,
              const std::string& where) {
  const auto averages = part_of(checkpoint, kEma);
  if (averages.empty()) {
    log::warning("{} has no averages of the weights: they begin with its weights", where);
    return;
  }
  ema.load_state(averages, updates);
}

std::string weights_hash(const models::Model& model) {
  std::string hashes;
  for (const auto& [name, tensor] : models::state_bytes(model)) {
    hashes += fmt::format("{} {:016x}\n", name, xxh3_64(tensor.bytes));
  }
  return fmt::format("{:016x}", xxh3_64(std::as_bytes(std::span(hashes))));
}

}  // namespace referent::engine
