// SPDX-License-Identifier: Apache-2.0
#include "referent/models/init.h"

#include <functional>
#include <optional>
#include <string>

#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/models/state.h"
#include "referent/nn/relative_position.h"

namespace referent::models {
namespace {

/// Brings tables of relative positions that were made for another picture size to the wanted one;
/// returns the native names of those it changed.
std::vector<std::string> fit_positions(
    formats::TensorMap& tensors,
    const std::function<std::optional<std::string>(const std::string&)>& native_name,
    const checkpoint::Shapes& wanted, nn::PositionFit fit) {
  std::vector<std::string> fitted;
  for (auto& [name, tensor] : tensors) {
    const std::optional<std::string> native = native_name(name);
    if (!native || !(native->ends_with(".rel_pos_h") || native->ends_with(".rel_pos_w"))) continue;
    const auto found = wanted.find(*native);
    if (found == wanted.end() || tensor.shape.size() != 2 || tensor.shape[1] != found->second[1]) {
      continue;
    }
    const std::int64_t rows = found->second[0];
    if (tensor.shape[0] == rows || (fit == nn::PositionFit::kCrop && tensor.shape[0] < rows)) {
      continue;
    }
    tensor = to_bytes(nn::fit_relative_positions(to_torch(tensor).to(torch::kFloat32), rows, fit));
    fitted.push_back(*native);
  }
  return fitted;
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

checkpoint::ImportResult read_wanted(const Path& file, const checkpoint::Shapes& wanted,
                                     nn::PositionFit fit) {
  if (checkpoint::is_checkpoint(file)) {
    formats::TensorMap weights = checkpoint::weights_of(checkpoint::read_checkpoint(file));
    const auto same = [](const std::string& name) { return std::optional(name); };
    std::vector<std::string> fitted = fit_positions(weights, same, wanted, fit);
    checkpoint::ImportResult result = match_native(weights, wanted);
    result.report.resized = std::move(fitted);
    return result;
  }
  checkpoint::StateDict state = checkpoint::read_state_dict(file);
  const std::string family = checkpoint::detect_family(state);
  if (family.empty()) {
    throw CheckpointError(
        "{}: the {} tensors of this file have the names of no known family ({}), nor is it a "
        "native checkpoint",
        file.string(), state.tensors.size(), fmt::join(checkpoint::families(), ", "));
  }
  return match_released(state, family, wanted, fit);
}

/// One weight that is no number would make every loss another one.
void check_finite(const formats::TensorMap& tensors, const Path& file) {
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor values = to_torch(tensor);
    if (!values.is_floating_point()) continue;
    const auto finite = values.isfinite().sum().item<std::int64_t>();
    if (finite == values.numel()) continue;
    throw CheckpointError("{}: {} of {} elements of {} are not finite", file.string(),
                          values.numel() - finite, values.numel(), name);
  }
}

void initialise_part(Model& model, const Path& file, const std::string& prefix,
                     nn::PositionFit fit) {
  if (file.empty()) return;
  checkpoint::Shapes wanted = state_shapes(model);
  std::erase_if(wanted, [&](const auto& item) { return !item.first.starts_with(prefix); });
  const checkpoint::ImportResult result = read_wanted(file, wanted, fit);
  const checkpoint::ImportReport& report = result.report;
  if (!report.wrong_shape.empty() || report.matched.empty()) {
    throw CheckpointError("{} does not fit the model{}: {}", file.string(),
                          prefix.empty() ? "" : "'s " + prefix + "*", checkpoint::text(report));
  }
  check_finite(result.native, file);
  load_state(model, result.native, /*complete=*/false);
  constexpr std::size_t kNamesShown = 4;
  log::info("initial values from {}: {}", file.string(), checkpoint::text(report, kNamesShown));
}

}  // namespace

checkpoint::ImportResult match_released(checkpoint::StateDict& state, const std::string& family,
                                        const checkpoint::Shapes& wanted, nn::PositionFit fit) {
  const checkpoint::NameMap& names = checkpoint::name_map(family);
  const auto native = [&](const std::string& name) { return names.to_native(name); };
  std::vector<std::string> fitted = fit_positions(state.tensors, native, wanted, fit);
  checkpoint::ImportResult result = checkpoint::match(state, names, wanted);
  result.report.resized = std::move(fitted);
  return result;
}

void initialise(Model& model, const ModelConfig& config) {
  const nn::PositionFit fit = config.visual_encoder.vit.position_fit;
  initialise_part(model, config.init.visual_encoder, "visual_encoder.", fit);
  initialise_part(model, config.init.text_encoder, "text_encoder.", fit);
  initialise_part(model, config.init.all, "", fit);
}

void load_weights(Model& model, const checkpoint::Checkpoint& checkpoint,
                  checkpoint::Weights weights) {
  load_state(model, checkpoint::weights_of(checkpoint, weights), /*complete=*/true);
}

}  // namespace referent::models
