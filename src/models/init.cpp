// SPDX-License-Identifier: Apache-2.0
#include "referent/models/init.h"

#include <string>

#include "referent/checkpoint/import.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/models/state.h"

namespace referent::models {
namespace {

constexpr std::string_view kOptimizerPrefix = "optimizer.";

formats::TensorMap weights_of(const checkpoint::Checkpoint& checkpoint) {
  formats::TensorMap weights;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (!name.starts_with(kOptimizerPrefix)) weights.emplace(name, tensor);
  }
  return weights;
}

/// Which tensors of a native file the model wants, told as for a released one.
checkpoint::ImportResult match_native(const formats::TensorMap& weights,
                                      const checkpoint::Shapes& wanted) {
  checkpoint::ImportResult result;
  for (const auto& [name, tensor] : weights) {
    const auto found = wanted.find(name);
    if (found == wanted.end()) {
      result.report.unused.push_back(name);
    } else if (found->second != tensor.shape) {
      result.report.wrong_shape.push_back({name, found->second, tensor.shape});
    } else {
      result.report.matched.push_back(name);
      result.native.emplace(name, tensor);
    }
  }
  for (const auto& [name, shape] : wanted) {
    if (!weights.contains(name)) result.report.missing.push_back(name);
  }
  return result;
}

checkpoint::ImportResult read_wanted(const Path& file, const checkpoint::Shapes& wanted) {
  if (checkpoint::is_checkpoint(file)) {
    return match_native(weights_of(checkpoint::read_checkpoint(file)), wanted);
  }
  const checkpoint::StateDict state = checkpoint::read_state_dict(file);
  const std::string family = checkpoint::detect_family(state);
  if (family.empty()) {
    throw CheckpointError(
        "{}: the {} tensors of this file have the names of no known family ({}), nor is it a "
        "native checkpoint",
        file.string(), state.tensors.size(), fmt::join(checkpoint::families(), ", "));
  }
  return checkpoint::match(state, checkpoint::name_map(family), wanted);
}

void initialise_part(Model& model, const Path& file, const std::string& prefix) {
  if (file.empty()) return;
  checkpoint::Shapes wanted = state_shapes(model);
  std::erase_if(wanted, [&](const auto& item) { return !item.first.starts_with(prefix); });
  const checkpoint::ImportResult result = read_wanted(file, wanted);
  const checkpoint::ImportReport& report = result.report;
  if (!report.wrong_shape.empty() || report.matched.empty()) {
    throw CheckpointError("{} does not fit the model{}: {}", file.string(),
                          prefix.empty() ? "" : "'s " + prefix + "*", checkpoint::text(report));
  }
  load_state(model, result.native, /*complete=*/false);
  constexpr std::size_t kNamesShown = 4;
  log::info("initial values from {}: {}", file.string(), checkpoint::text(report, kNamesShown));
}

}  // namespace

void initialise(Model& model, const InitConfig& config) {
  initialise_part(model, config.visual_encoder, "visual_encoder.");
  initialise_part(model, config.text_encoder, "text_encoder.");
  initialise_part(model, config.all, "");
}

void load_weights(Model& model, const checkpoint::Checkpoint& checkpoint) {
  load_state(model, weights_of(checkpoint), /*complete=*/true);
}

}  // namespace referent::models
