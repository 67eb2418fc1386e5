// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_io.h"

#include "referent/core/hash.h"
#include "referent/models/state.h"

namespace referent::engine {
namespace {

constexpr std::string_view kPrefix = "optimizer.";

}  // namespace

formats::TensorMap training_tensors(const models::Model& model, const training::AdamW& optimizer) {
  formats::TensorMap tensors = models::state_bytes(model);
  for (const auto& [name, tensor] : optimizer.state()) {
    tensors.emplace(std::string(kPrefix) + name, models::to_bytes(tensor));
  }
  return tensors;
}

void load_optimizer(training::AdamW& optimizer, const checkpoint::Checkpoint& checkpoint) {
  std::map<std::string, torch::Tensor> state;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (!name.starts_with(kPrefix)) continue;
    state.emplace(name.substr(kPrefix.size()), models::to_torch(tensor));
  }
  optimizer.load_state(state);
}

std::string weights_hash(const models::Model& model) {
  std::string hashes;
  for (const auto& [name, tensor] : models::state_bytes(model)) {
    hashes += fmt::format("{} {:016x}\n", name, xxh3_64(tensor.bytes));
  }
  return fmt::format("{:016x}", xxh3_64(std::as_bytes(std::span(hashes))));
}

}  // namespace referent::engine
