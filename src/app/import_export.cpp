// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "referent/app/commands.h"
#include "referent/checkpoint/checkpoint.h"
#include "referent/checkpoint/export.h"
#include "referent/checkpoint/import.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/core/version.h"
#include "referent/engine/config.h"
#include "referent/engine/versions.h"
#include "referent/formats/safetensors.h"
#include "referent/inference/build.h"
#include "referent/inference/torchscript.h"
#include "referent/models/init.h"
#include "referent/models/state.h"
#include "referent/text/config.h"

namespace referent::app {
namespace {

/// The run whose model a released file belongs to.
engine::RunConfig config_of(const ImportOptions& options) {
  if (!options.config.empty()) {
    return engine::load_run_config(options.config, options.overrides);
  }
  if (options.preset.empty()) {
    throw ConfigError("which model is it? Give --preset ({}) or --config",
                      fmt::join(engine::preset_names(), ", "));
  }
  const nlohmann::json description{{"name", options.preset},
                                   {"model", {{"preset", options.preset}}}};
  return engine::parse_run_config(description.dump(), "--preset", options.overrides);
}

std::string family_of(const ImportOptions& options, const checkpoint::StateDict& state) {
  std::string family = options.family.empty() ? checkpoint::detect_family(state) : options.family;
  if (family.empty()) {
    throw CheckpointError(
        "{} holds {} tensors whose names belong to no known family; name it with --from ({})",
        options.file.string(), state.tensors.size(), fmt::join(checkpoint::families(), ", "));
  }
  return family;
}

/// The report and what it is about.
std::string report_json(const ImportOptions& options, const std::string& family,
                        const std::string& container, const checkpoint::ImportReport& report) {
  auto document = nlohmann::ordered_json::parse(checkpoint::json(report));
  document.update({{"file", options.file.string()}, {"family", family}, {"container", container}});
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// TransVG, MMCA and VG-LAW files hold a whole model; the others a part, beside which the rest
/// keeps its initial values.
bool is_whole_model(const std::string& family) {
  return family == "transvg" || family == "mmca" || family == "vg_law";
}

void check_fit(const ImportOptions& options, const std::string& family,
               const checkpoint::ImportReport& report) {
  if (!report.wrong_shape.empty()) {
    const auto& first = report.wrong_shape.front();
    throw CheckpointError(
        "{} does not fit the model: {} tensors have another shape, first {}: expected [{}], the "
        "file has [{}]",
        options.file.string(), report.wrong_shape.size(), first.name,
        fmt::join(first.expected, ", "), fmt::join(first.seen, ", "));
  }
  if (report.matched.empty() || (is_whole_model(family) && !report.missing.empty())) {
    throw CheckpointError(
        "{} does not fit the model: {} of its tensors have a place, {} that the model needs are "
        "missing{}{}",
        options.file.string(), report.matched.size(), report.missing.size(),
        report.missing.empty() ? "" : ", first ",
        report.missing.empty() ? "" : report.missing.front());
  }
}

/// The family whose released code reads a model of this configuration.
std::string released_family(const models::ModelConfig& model) {
  using conditioning::Type;
  const Type type = model.conditioning.type;
  const bool vitdet = model.visual_encoder.type == "vitdet";
  const bool pooling = model.decoder.type == "language_pooling";
  const bool released = model.conditioning.variant == conditioning::Variant::kReleased;
  const bool detr = !vitdet && !pooling && !model.heads.mask;
  if (vitdet && pooling && type == Type::kLaw && released) return "vg_law";
  if (detr && type == Type::kMmca && released) return "mmca";
  if (detr && type == Type::kNone) return "transvg";
  throw ConfigError(
      "no released code has this combination of visual encoder ({}), decoder ({}), conditioning "
      "and "
      "heads; export it with --names native",
      model.visual_encoder.type, model.decoder.type);
}

}  // namespace

int run_import(const ImportOptions& options, const CommonOptions& common) {
  const engine::RunConfig config = config_of(options);
  checkpoint::StateDict state = checkpoint::read_state_dict(options.file);
  const std::string family = family_of(options, state);
  torch::manual_seed(static_cast<std::uint64_t>(config.seed));
  const auto model = inference::build_model(config);
  const checkpoint::ImportResult result = models::match_released(
      state, family, models::state_shapes(*model), config.model.visual_encoder.vit.position_fit);
  if (common.json) {
    fmt::print("{}\n", report_json(options, family, state.container, result.report));
  } else if (!common.quiet) {
    fmt::print("{} as {}, {}\n{}", options.file.string(), family, state.container,
               checkpoint::text(result.report));
  }
  check_fit(options, family, result.report);

  checkpoint::Checkpoint native;
  native.tensors = models::state_bytes(*model);
  for (const auto& [name, tensor] : result.native) native.tensors.insert_or_assign(name, tensor);
  native.config = engine::dump_run_config(config);
  native.vocabulary = text::carried_vocabulary(config.model.text_encoder.tokenizer);
  native.versions = engine::versions_json();
  native.git = build_info().git;
  checkpoint::write_checkpoint(options.out, native);
  log::info("wrote {}", options.out.string());
  return 0;
}

int run_export(const ExportOptions& options, const CommonOptions& common) {
  checkpoint::Checkpoint native = checkpoint::read_checkpoint(options.checkpoint);
  native.tensors = checkpoint::weights_of(native, common.weights);
  if (options.format == ExportFormat::kTorchScript) {
    if (options.names != Names::kNative) {
      throw ConfigError("--format torchscript has the native names; leave out --names released");
    }
    inference::write_torchscript(options.out, native, options.checkpoint.string());
  } else if (options.names == Names::kNative) {
    formats::write_safetensors(options.out, native.tensors, {{"format", "pt"}});
  } else {
    const engine::RunConfig config =
        engine::parse_run_config(native.config, options.checkpoint.string());
    checkpoint::write_released(options.out, native.tensors, released_family(config.model));
  }
  log::info("wrote {}", options.out.string());
  if (common.json) {
    fmt::print("{}\n",
               nlohmann::ordered_json(
                   {{"schema_version", 1},
                    {"file", options.out.string()},
                    {"format",
                     options.format == ExportFormat::kTorchScript ? "torchscript" : "safetensors"},
                    {"tensors", native.tensors.size()}})
                   .dump(2));
  }
  return 0;
}

}  // namespace referent::app
